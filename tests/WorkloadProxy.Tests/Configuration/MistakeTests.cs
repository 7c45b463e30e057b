using WorkloadProxy.Authentication;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Hcl;
using WorkloadProxy.Storage;
using WorkloadProxy.Upstreams.GitHub;

namespace WorkloadProxy.Tests.Configuration;

public sealed class MistakeTests
{
    private const string Team = "api://DigitalOcean?actx=f81d4fae";

    /// <summary>Members added to a configuration that is otherwise right → the one mistake.</summary>
    public static TheoryData<string, string> Cases => new()
    {
        // keys and shapes
        { """ "Polices": [] """, "Polices: unknown key, did you mean `Policies`? (appsettings.json)" },
        { """ "Tokens": { "MaxLifetme": "00:05:00" } """, "Tokens:MaxLifetme: unknown key, did you mean `MaxLifetime`? (appsettings.json)" },
        { """ "Audit": { "Colour": "blue" } """, "Audit:Colour: unknown key, expected `File` or `Required` (appsettings.json)" },
        { """ "Tokens": "RS256" """, "Tokens: must be an object, but is one value (appsettings.json)" },
        { """ "Tokens": [] """, "Tokens: must be an object, but is a list (appsettings.json)" },
        { """ "DataDirectory": { "Path": "x" } """, "DataDirectory: must be one value, but is an object (appsettings.json)" },
        { """ "DataDirectory": [] """, "DataDirectory: must be one value, but is a list (appsettings.json)" },
        { """ "DataDirectory": ["x"] """, "DataDirectory: must be one value, but is a list (appsettings.json)" },
        { """ "Tokens": ["x"] """, "Tokens: must be an object, but is a list (appsettings.json)" },
        { """ "Issuers": { "a": { "Issuer": "https://a.example" } } """, "Issuers: must be a list, but is an object with the name `a` (appsettings.json)" },
        { """ "TrustedProxies": "10.0.0.0/8" """, "TrustedProxies: must be a list, but is one value (appsettings.json)" },
        { """ "TrustedProxies": {} """, "TrustedProxies: must be a list, but is an object (appsettings.json)" },
        { """ "DataDirectory": "" """, "DataDirectory: is empty (appsettings.json)" },
        { """ "DataDirectory": "a\u0000b" """, "DataDirectory: holds a control character (appsettings.json)" },
        { """ "DataDirectory": "a", "datadirectory": "b" """, "datadirectory: appears twice, first at appsettings.json:1:45 (appsettings.json)" },
        { """ "Audit": { "Required": "maybe" } """, "Audit:Required: `maybe` is neither `true` nor `false` (appsettings.json)" },
        // where it listens
        { """ "Urls": "localhost:8080" """, "Urls: `localhost:8080` is not an address to listen on, expected `http://host:port` (appsettings.json)" },
        { """ "Urls": "ftp://localhost" """, "Urls: `ftp://localhost` is not an address to listen on, expected `http://host:port` (appsettings.json)" },
        { """ "Urls": ";" """, "Urls: names no address (appsettings.json)" },
        { """ "Urls": "https://0.0.0.0:8443" """, "Urls: `https://0.0.0.0:8443` needs a certificate, none is configured (appsettings.json)" },
        { """ "TrustedProxies": ["10.0.0.0/33"] """,
            "TrustedProxies:0: `10.0.0.0/33` is not a network, expected `10.0.0.0/8` (no bits set behind the prefix) (appsettings.json)" },
        { """ "TrustedProxies": ["10.0.0.7"] """, "TrustedProxies:0: `10.0.0.7` is an address, expected a network: `10.0.0.7/32` (appsettings.json)" },
        // Kestrel, whose own reader takes a misspelt key for none
        { """ "Kestrel": { "EndPionts": {} } """, "Kestrel:EndPionts: unknown key, did you mean `Endpoints`? (appsettings.json)" },
        { """ "Kestrel": { "Endpoints": { "Https": { "Url": "http://127.0.0.1:1", "Certificat": {} } } } """,
            "Kestrel:Endpoints:Https:Certificat: unknown key, did you mean `Certificate`? (appsettings.json)" },
        { """ "Kestrel": { "Endpoints": { "Https": { "Url": "https://0.0.0.0:443" } } } """,
            "Kestrel:Endpoints:Https:Url: `https://0.0.0.0:443` needs a certificate, none is configured (appsettings.json)" },
        { """ "Kestrel": { "Endpoints": { "Https": { "Certificate": { "Subject": "a.test" } } } } """, "Kestrel:Endpoints:Https:Url: is missing" },
        { """ "Kestrel": { "Endpoints": { "Https": { "Url": "https://0.0.0.0:443", "Certificate": { "Path": "gone.crt", "KeyPath": "secret" } } } } """,
            "Kestrel:Endpoints:Https:Certificate:Path: file `/here/gone.crt` does not exist (appsettings.json)" },
        { """ "Kestrel": { "Certificates": { "Default": { "KeyPath": "secret" } } } """,
            "Kestrel:Certificates:Default: names no certificate, expected a `Path` (or the `Subject` of one in a store)" },
        { """ "Kestrel": { "EndpointDefaults": { "Protocols": "Http4" } } """,
            "Kestrel:EndpointDefaults:Protocols: unknown protocols `Http4`, expected `Http1`, `Http2`, `Http1AndHttp2`, `Http3` or `Http1AndHttp2AndHttp3` "
                + "(appsettings.json)" },
        { """ "Kestrel": { "Limits": { "MaxConcurrentConnections": 0 } } """,
            "Kestrel:Limits:MaxConcurrentConnections: `0` is not a whole number from 1 to 10000000 (appsettings.json)" },
        { """ "Kestrel": { "EndpointDefaults": { "ClientCertificateMode": "Bogus" } } """,
            "Kestrel:EndpointDefaults:ClientCertificateMode: unknown mode `Bogus`, expected `NoCertificate`, `AllowCertificate`, `RequireCertificate` or "
                + "`DelayCertificate` (appsettings.json)" },
        { """ "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:1", "SslProtocols": ["tls13", "Bogus"] } } } """,
            "Kestrel:Endpoints:Http:SslProtocols:1: unknown version of TLS `Bogus`, expected `None`, `Tls`, `Tls11`, `Tls12` or `Tls13` (appsettings.json)" },
        { """ "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:1", "Sni": { "a.test": { "ClientCertificateMode": "Bogus" } } } } } """,
            "Kestrel:Endpoints:Http:Sni:a.test:ClientCertificateMode: unknown mode `Bogus`, expected `NoCertificate`, `AllowCertificate`, `RequireCertificate` "
                + "or `DelayCertificate` (appsettings.json)" },
        { """ "Kestrel": { "Limits": { "MaxRequestBodySize": 1000 } } """,
            "Kestrel:Limits:MaxRequestBodySize: is fixed by the proxy: a body has no limit unless a rule looks into it (appsettings.json)" },
        { """ "Kestrel": { "limits": { "MinRequestBodyDataRate": { "BytesPerSecond": 10 } } } """,
            "Kestrel:limits:MinRequestBodyDataRate: is fixed by the proxy: a body may be as slow as its sender (appsettings.json)" },
        { """ "Kestrel": { "AllowHostHeaderOverride": true } """,
            "Kestrel:AllowHostHeaderOverride: is fixed by the proxy: `Host` decides where a request belongs (appsettings.json)" },
        { """ "Kestrel": { "Limits": { "MaxRequestBufferSize": 40000 } } """,
            "Kestrel:Limits:MaxRequestBufferSize: `40000` is less than `MaxRequestHeadersTotalSize` (65536): a request's headers would never fit "
                + "(appsettings.json)" },
        // Logging, of which ASP.NET's reader throws for one level and ignores another
        { """ "Logging": { "LogLevel": { "Default": "Bogus" } } """,
            "Logging:LogLevel:Default: unknown level `Bogus`, expected `Trace`, `Debug`, `Information`, `Warning`, `Error`, `Critical` or `None` "
                + "(appsettings.json)" },
        { """ "logging": { "Console": { "loglevel": { "Yarp": "Loud" } } } """,
            "logging:Console:loglevel:Yarp: unknown level `Loud`, expected `Trace`, `Debug`, `Information`, `Warning`, `Error`, `Critical` or `None` "
                + "(appsettings.json)" },
        { """ "Logging": { "LogLevel": "Debug" } """, "Logging:LogLevel: must be an object, but is one value (appsettings.json)" },
        { """ "Logging": { "LogLevel": ["Debug"] } """, "Logging:LogLevel: must be an object, but is a list (appsettings.json)" },
        { """ "Logging": "Debug" """, "Logging: must be an object, but is one value (appsettings.json)" },
        // the store
        { """ "MasterKeyFile": "a", "MasterKey": { "File": "b" } """,
            "MasterKeyFile: is given beside `MasterKey:File`, expected one of them (appsettings.json)" },
        { """ "MasterKey": { "EnvironmentVariable": "NO_SUCH" } """,
            "MasterKey:EnvironmentVariable: environment variable `NO_SUCH` is not set (appsettings.json)" },
        { """ "ConnectionStrings": { "Postgres": "hunter2" }, "MasterKeyFile": "a" """,
            "ConnectionStrings:Postgres: is not a connection string, expected `postgres://…` or `Host=…;Database=…` (appsettings.json)" },
        { """ "ConnectionStrings": { "Postgres": "Host=db" }, "MasterKey": { "File": null } """,
            "MasterKeyFile: is missing: on PostgreSQL no master key is made, for all replicas need the same one; make it with `openssl rand -base64 32`" },
        { """ "Audit": { "File": "no/such/audit.jsonl" } """, "Audit:File: directory `/here/no/such` does not exist (appsettings.json)" },
        // tokens
        { """ "Tokens": { "Algorithm": "HS256" } """, "Tokens:Algorithm: unknown algorithm `HS256`, expected `RS256` or `ES256` (appsettings.json)" },
        { """ "Tokens": { "MaxLifetime": "900" } """, "Tokens:MaxLifetime: `900` is not a duration, expected `[days.]hh:mm:ss` (appsettings.json)" },
        { """ "Tokens": { "MaxLifetime": "00:99:00" } """, "Tokens:MaxLifetime: `00:99:00` is not a duration, expected `[days.]hh:mm:ss` (appsettings.json)" },
        { """ "Tokens": { "MaxLifetime": "-00:05:00" } """, "Tokens:MaxLifetime: `-00:05:00` is too short, the least is `00:00:01` (appsettings.json)" },
        { """ "Tokens": { "MaxLifetime": "00:00:01.5" } """, "Tokens:MaxLifetime: `00:00:01.5000000` is not a whole number of seconds (appsettings.json)" },
        { """ "Tokens": { "MaxLifetime": "2.00:00:00" } """, "Tokens:MaxLifetime: `2.00:00:00` is too long, the most is `1.00:00:00` (appsettings.json)" },
        { """ "Tokens": { "KeyRotation": "00:10:00" } """,
            "Tokens:KeyRotation: `00:10:00` is shorter than `Tokens:MaxLifetime` (`00:15:00`): a key would go before the tokens that it signed "
                + "(appsettings.json)" },
        { """ "Provisioning": { "SshPort": 0 } """, "Provisioning:SshPort: `0` is not a whole number from 1 to 65535 (appsettings.json)" },
        { """ "Git": { "MaxRepositorySize": 999999 } """,
            "Git:MaxRepositorySize: `999999` is not a whole number from 1000000 to 1000000000000 (appsettings.json)" },
        { """ "Git": { "MaxRefs": 1 } """, "Git:MaxRefs: `1` is not a whole number from 2 to 100000 (appsettings.json)" },
        { $$""" "Policies": [{ "Context": "{{Team}}", "Hosted": { "ObjectFormat": "sha512" } }] """,
            "Policies:0:Hosted:ObjectFormat: unknown object format `sha512`, expected `sha1` or `sha256` (appsettings.json)" },
        { """ "Git": { "MaxSize": "20 MB" } """, "Git:MaxSize: `20 MB` is not a whole number from 1 to 10000000000 (appsettings.json)" },
        // upstreams
        { """ "Upstreams": { "": { "Kind": "http", "Address": "https://api.depot.dev" } } """, "Upstreams: holds an empty name (appsettings.json)" },
        { """ "Upstreams": { "Depot": { "Kind": "https", "Address": "https://api.depot.dev" } } """,
            "Upstreams:Depot:Kind: unknown kind `https`, expected `digitalocean`, `atproto`, `http` or `mcp` (appsettings.json)" },
        { """ "Upstreams": { "Depot": { "Address": "https://api.depot.dev" } } """, "Upstreams:Depot:Kind: is missing" },
        { """ "Upstreams": { "Depot": { "Kind": "http" } } """, "Upstreams:Depot:Address: is missing" },
        { """ "Upstreams": { "Depot": { "Kind": "http", "Address": "api.depot.dev" } } """,
            "Upstreams:Depot:Address: `api.depot.dev` is not an address, expected `https://host` (appsettings.json)" },
        { """ "Upstreams": { "Depot": { "Kind": "http", "Address": "ftp://api.depot.dev" } } """,
            "Upstreams:Depot:Address: `ftp://api.depot.dev` is not an address, expected `https://host` (appsettings.json)" },
        { """ "Upstreams": { "Depot": { "Kind": "http", "Address": "http://api.depot.dev" } } """,
            "Upstreams:Depot:Address: `http://api.depot.dev` is plain http, expected https (http is accepted for loopback, private addresses, `*.svc` and "
                + "`*.cluster.local`) (appsettings.json)" },
        { """ "Upstreams": { "Depot": { "Kind": "http", "Address": "https://a:hunter2@api.depot.dev" } } """,
            "Upstreams:Depot:Address: holds a user or password, expected an address without (appsettings.json)" },
        { """ "Upstreams": { "Depot": { "Kind": "http", "Address": "https://api.depot.dev?a=b" } } """,
            "Upstreams:Depot:Address: `https://api.depot.dev?a=b` has a query or fragment, expected an address without (appsettings.json)" },
        { """ "Upstreams": { "A/B": { "Kind": "http", "Address": "https://a.example" } } """,
            "Upstreams:A/B: is not a name for an upstream, expected letters, digits, `-`, `_` and `.`" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "PassThrough": true }, "B": { "Kind": "http", "Address": "https://b.example", "PassThrough": true } } """, "Upstreams:B:PassThrough: is true for `A` already: only one upstream may accept users' own tokens (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "PassThrough": "handed-out" } } """,
            "Upstreams:A:HandsOut: is missing: with `\"PassThrough\": \"handed-out\"` it says which answers hold a token" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "HandsOut": [{ "Path": "/a", "Token": "t", "Lifetime": "01:00:00" }] } } """, "Upstreams:A:PassThrough: is not `handed-out`, and `HandsOut` is given" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "PassThrough": "handed-out", "HandsOut": [{ "Path": "/v1/oidc/issue", "Token": "#0" }] } } """, "Upstreams:A:HandsOut:0:Path: `/v1/oidc/issue` is not the exact path of a request (appsettings.json)\nUpstreams:A:HandsOut:0:Token: `#0` is not the number of a field, expected for instance `#2` (appsettings.json)\nUpstreams:A:HandsOut:0:Lifetime: is missing" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "PassThrough": "sometimes" } } """,
            "Upstreams:A:PassThrough: `sometimes` is neither `true` nor `false` (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "Version": "3" } } """,
            "Upstreams:A:Version: unknown version `3`, expected `1.1`, `2` or `2.0` (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "ConnectTimeout": "00:00:00" } } """,
            "Upstreams:A:ConnectTimeout: `00:00:00` is too short, the least is `00:00:00.0010000` (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "DropHeaders": ["a b"] } } """,
            "Upstreams:A:DropHeaders: `a b` is not the name of a header" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "Host": "https://a.example.com" } } """,
            "Upstreams:A:Host: `https://a.example.com` is not a host name, expected one without scheme, port and path (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "Host": "a.example.com:443" } } """,
            "Upstreams:A:Host: `a.example.com:443` is not a host name, expected one without scheme, port and path (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "Host": "10.0.0.7" } } """,
            "Upstreams:A:Host: `10.0.0.7` is not a host name, expected one without scheme, port and path (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "Host": "Proxy.Example.com" } } """,
            "Upstreams:A:Host: `Proxy.Example.com` is the host of `PublicUrl`, where the proxy's own endpoints are (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "Host": "a.example.com", "Mcp": { "b": { "Address": "https://a.example/mcp", "Host": "A.example.com" } } } } """, "Upstreams:A:Mcp:b:Host: `A.example.com` is the host of `Upstreams:A:Host` already (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "mcp", "Host": "a.example.com", "Mcp": { "b": { "Address": "https://a.example/mcp" } } } } """,
            "Upstreams:A:Host: is for other kinds: of an upstream of kind `mcp` each server has its own `Host` (appsettings.json)" },
        { """ "Upstreams": { "DigitalOcean": { "OAuth": { "ClientId": "x", "Scopes": ["read write"] } } } """,
            "Upstreams:DigitalOcean:OAuth:Scopes: holds a character that is not valid in a scope: expected a list with one scope an element" },
        { """ "Upstreams": { "DigitalOcean": { "OAuth": { "ClientId": "x" } }, "Two": { "Kind": "digitalocean", "Address": "https://a.example", "OAuth": { "ClientId": "x" } } } """, "Upstreams:Two:OAuth: is already set for `DigitalOcean`: teams can sign in at one upstream only" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "OAuth": { "ClientId": "x" } } } """,
            "Upstreams:A:OAuth: is for upstreams of the kinds `digitalocean` and `atproto`" },
        { """ "Upstreams": { "A": { "Kind": "atproto", "Address": "https://pds.example.com" } } """,
            "Upstreams:A:Address: is for other kinds: the server of an account is found through its DID (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "atproto" }, "B": { "Kind": "atproto" } } """,
            "Upstreams:B:Kind: is `atproto` for `A` already: one upstream reaches every account (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "atproto", "Mcp": { "b": { "Address": "https://a.example/mcp" } } } } """,
            "Upstreams:A:Mcp: is for other kinds: an account's credential is for the account's own server alone" },
        { """ "Upstreams": { "A": { "Kind": "atproto", "PlcDirectory": "http://plc.example.com" } } """,
            "Upstreams:A:PlcDirectory: `http://plc.example.com` is plain http, expected https (http is accepted for loopback, private addresses, `*.svc` and "
                + "`*.cluster.local`) (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "atproto", "Servers": ["https://pds.example.com/xrpc"] } } """,
            "Upstreams:A:Servers:0: `https://pds.example.com/xrpc` is not an origin, expected scheme, host and port alone (appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "atproto", "OAuth": { "Teams": ["x"], "Accounts": ["*"] } } } """,
            "Upstreams:A:OAuth:Teams: is for upstreams of kind `digitalocean`" },
        { """ "Upstreams": { "A": { "Kind": "atproto", "OAuth": { "Accounts": ["alice.example.com"] } } } """,
            "Upstreams:A:OAuth:Accounts:0: `alice.example.com` is not a DID, expected for instance `did:plc:ewvi7nxzyoun6zhxrhs64oiz`, or `*` for everyone "
                + "(appsettings.json)" },
        { """ "Upstreams": { "A": { "Kind": "atproto", "OAuth": { "Accounts": ["*"], "Scopes": ["repo:*"] } } } """,
            "Upstreams:A:OAuth:Scopes: lacks `atproto`, without which no authorization server gives a session" },
        { """ "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example", "Servers": ["https://pds.example.com"] } } """,
            "Upstreams:A:Servers: is for upstreams of kind `atproto`" },
        // issuers and audiences
        { """ "Issuers": [{}] """, "Issuers:0:Issuer: is missing" },
        { """ "Issuers": [{ "Issuer": "http://100.64.0.1" }] """,
            "Issuers:0:Issuer: `http://100.64.0.1` is plain http, expected https (http is accepted for loopback, private addresses, `*.svc` and "
                + "`*.cluster.local`) (appsettings.json)" },
        { """ "Issuers": [{ "Issuer": "http://dex.example.com" }] """,
            "Issuers:0:Issuer: `http://dex.example.com` is plain http, expected https (http is accepted for loopback, private addresses, `*.svc` and "
                + "`*.cluster.local`) (appsettings.json)" },
        { """ "Issuers": [{ "Issuer": "https://a.example" }, { "Issuer": "https://a.example" }] """,
            "Issuers:1:Issuer: `https://a.example` is listed at `Issuers:0` already (appsettings.json)" },
        { """ "Issuers": [{ "Issuer": "https://proxy.example.com" }] """,
            "Issuers:0:Issuer: is `PublicUrl`: this proxy's own keys are never fetched (appsettings.json)" },
        { """ "Issuers": [{ "Issuer": "https://a.example", "Algorithms": ["none"] }] """,
            "Issuers:0:Algorithms:0: unknown algorithm `none`, expected `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384` or `ES512` "
                + "(appsettings.json)" },
        { """ "Issuers": [{ "Issuer": "https://a.example", "JwksFile": "keys.json" }] """,
            "Issuers:0:JwksFile: file `/here/keys.json` does not exist (appsettings.json)" },
        { """ "Issuers": [{ "Issuer": "https://a.example", "JwksFile": "secret", "MetadataAddress": "https://b.example" }] """,
            "Issuers:0:JwksFile: is given beside `MetadataAddress`, expected one of them (appsettings.json)" },
        { $$""" "Policies": [{ "Context": "{{Team}}", "Directory": "rbac" }], "Audiences": [{ "Audience": "https://depot.dev", "Context": "api://DigitalOcean?actx=f81d4fea" }] """,
            "Audiences:0:Context: unknown context `api://DigitalOcean?actx=f81d4fea`, did you mean `api://DigitalOcean?actx=f81d4fae`? (appsettings.json)" },
        { $$""" "Policies": [{ "Context": "{{Team}}", "Directory": "rbac" }], "Audiences": [{ "Audience": "{{Team}}", "Context": "{{Team}}" }] """,
            "Audiences:0:Audience: `api://DigitalOcean?actx=f81d4fae` is a context itself and stands for no other (appsettings.json)" },
        { $$""" "Policies": [{ "Context": "{{Team}}", "Directory": "rbac" }], "Audiences": [{ "Audience": "a", "Context": "{{Team}}" }, { "Audience": "a", "Context": "{{Team}}" }] """,
            "Audiences:1:Audience: `a` is mapped at `Audiences:0` already (appsettings.json)" },
        // policy sources
        { """ "Policies": [{ "Context": "DigitalOcean", "Directory": "rbac" }] """,
            "Policies:0:Context: `DigitalOcean` is not a context, expected `api://<Upstream>?actx=<id>` (appsettings.json)" },
        { """ "Policies": [{ "Directory": "rbac" }] """, "Policies:0:Context: is missing" },
        { """ "Policies": [{ "Context": "api://DigitalOcaen?actx=a", "Directory": "rbac" }] """,
            "Policies:0:Context: unknown upstream `DigitalOcaen`, did you mean `DigitalOcean`? (appsettings.json)" },
        { """ "Policies": [{ "Context": "api://GitLab?actx=a", "Directory": "rbac" }] """,
            "Policies:0:Context: unknown upstream `GitLab`, configured: `DigitalOcean` (appsettings.json)" },
        { $$""" "Policies": [{ "Context": "{{Team}}", "Directory": "rbac" }, { "Context": "{{Team}}", "Directory": "rbac" }] """,
            "Policies:1:Context: `api://DigitalOcean?actx=f81d4fae` is bound at `Policies:0` already (appsettings.json)" },
        { $$""" "Policies": [{ "Context": "{{Team}}", "Directory": "rbac" }, { "Context": "{{Team}}:b", "Directory": "rbac" }] """,
            "Policies:1:Context: the id `f81d4fae:b` and the id `f81d4fae` of `Policies:0` extend each other by `:`, subjects of one could be taken for the "
                + "other's (appsettings.json)" },
        { $$""" "Policies": [{ "Context": "{{Team}}" }] """, "Policies:0: has no source, expected `Directory`, `Git` or `Hosted`" },
        { $$""" "Policies": [{ "Context": "{{Team}}", "Directory": "missing" }] """,
            "Policies:0:Directory: directory `/here/missing` does not exist (appsettings.json)" },
        // credentials
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Baerer", "File": "secret" """),
            "Credentials:0:Kind: unknown kind `Baerer`, expected `Bearer`, `Header`, `Basic`, `Query`, `OAuth`, `ClientCredentials`, `GitHubApp`, `Dpop`, "
                + "`Exchange`, `AtprotoPassword` or `None` (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "AtprotoPassword", "File": "secret" """),
            "Credentials:0:Kind: `AtprotoPassword` is for upstreams of kind `atproto`, and `DigitalOcean` is not one (appsettings.json)" },
        { Account(""" "Context": "api://ATProto?actx=acme", "Kind": "AtprotoPassword", "File": "secret" """),
            "Credentials:0:Context: does not name an account: expected a DID, for instance `api://ATProto?actx=did:plc:ewvi7nxzyoun6zhxrhs64oiz` "
                + "(appsettings.json)" },
        { Account(""" "Context": "api://ATProto?actx=did:web:example.com", "Kind": "AtprotoPassword", "File": "secret" """),
            "Credentials:0: the secret is not an app password, expected the form `xxxx-xxxx-xxxx-xxxx`, which the account's settings make: its own password "
                + "must never be here" },
        { Account(""" "Context": "api://ATProto?actx=did:web:example.com", "Kind": "AtprotoPassword", "EnvironmentVariable": "NARROW", "For": { "p": "a" } }, { "Context": "api://ATProto?actx=did:web:example.com", "Kind": "AtprotoPassword", "EnvironmentVariable": "WIDE", "For": { "p": "b" } """),
            "Credentials:0:Context: has several entries, expected one: an account has one app password, whatever the role "
                + "(appsettings.json)\nCredentials:1:Context: has several entries, expected one: an account has one app password, whatever the role "
                + "(appsettings.json)" },
        { Account(""" "Context": "api://ATProto?actx=did:web:example.com", "Kind": "Dpop" """),
            "Credentials:0:Kind: `Dpop` is a session that an account gives by signing in, but `Upstreams:ATProto:OAuth:Accounts` is missing (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "File": "secret" """), "Credentials:0:Kind: is missing" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer" """),
            "Credentials:0: has no secret, expected `File` or `EnvironmentVariable`" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer", "File": "secret", "EnvironmentVariable": "PATH" """),
            "Credentials:0:EnvironmentVariable: is given beside `File`, expected one of them (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer", "File": "./gone" """),
            "Credentials:0:File: file `/here/gone` does not exist (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer", "File": "dop_v1_hunter2" """),
            "Credentials:0:File: file does not exist (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer", "EnvironmentVariable": "dop v1" """),
            "Credentials:0:EnvironmentVariable: is not the name of an environment variable (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Header", "File": "secret" """), "Credentials:0:Name: is missing" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Header", "Name": "Host", "File": "secret" """),
            "Credentials:0:Name: is not the name of a header that can carry a credential (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Header", "Name": "X-Key", "Format": "Token", "File": "secret" """),
            "Credentials:0:Format: does not hold `{secret}` once, in ASCII text (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Query", "File": "secret" """), "Credentials:0:Name: is missing" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer", "Username": "robot", "File": "secret" """),
            "Credentials:0:Username: is for kind `Basic`, the kind is `Bearer` (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Basic", "Username": "a:b", "File": "secret" """),
            "Credentials:0:Username: holds a `:`, which ends the name in Basic authentication (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=other", "Kind": "Bearer", "File": "secret" """),
            "Credentials:0:Context: unknown context `api://DigitalOcean?actx=other`, expected one that `Policies` binds to a source (appsettings.json)" },
        { Bound(""" "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer", "File": "secret" }, { "Context": "api://DigitalOcean?actx=f81d4fae", "Kind": "Bearer", "File": "secret" """),
            "Credentials:1:Context: `api://DigitalOcean?actx=f81d4fae` has its credential at `Credentials:0` already (appsettings.json)" },
        // what comes later
        { Bound($$""" "Context": "{{Team}}", "Kind": "GitHubApp", "AppId": "1", "PrivateKeyFile": "secret" """),
            "Credentials:0:InstallationId: is missing, and no `Repositories` say whose installation is meant" },
        { Bound($$""" "Context": "{{Team}}", "Kind": "GitHubApp", "InstallationId": 1, "File": "secret" """),
            "Credentials:0:File: is for kind `Bearer`, `Header`, `Basic`, `Query`, `ClientCredentials`, `Exchange` or `AtprotoPassword`, the kind is "
                + "`GitHubApp` (appsettings.json)\nCredentials:0:AppId: is missing: a GitHub App has an id and a private key\nCredentials:0:PrivateKeyFile: is "
                + "missing: a GitHub App has an id and a private key" },
        { Bound($$""" "Context": "{{Team}}", "Kind": "GitHubApp", "AppId": "1", "PrivateKeyFile": "secret", "Repositories": ["acme/web", "evil/web", "a/b/c"] """), "Credentials:0:Repositories: `a/b/c` is not a repository, expected `owner/name` or `name`\nCredentials:0:Repositories: are of several owners, expected one: an installation is of one account" },
        { Bound($$""" "Context": "{{Team}}", "Kind": "GitHubApp", "AppId": "1", "PrivateKeyFile": "secret", "Repositories": ["acme/web"], "Permissions": { "contents": "all" } """), "Credentials:0:Permissions:contents: `all` is not a level, expected `read`, `write` or `admin` (appsettings.json)" },
        { Bound($$""" "Context": "{{Team}}", "Kind": "Bearer", "File": "secret", "For": {} """),
            "Credentials:0:For: is empty, expected what a role's `credential` must be (appsettings.json)" },
        { Bound($$""" "Context": "{{Team}}", "Kind": "Bearer", "File": "secret", "For": { "p": "a" } }, { "Context": "{{Team}}", "Kind": "Bearer", "File": "secret", "For": { "p": "a" } """), "Credentials:1:Context: `api://DigitalOcean?actx=f81d4fae` has its credential at `Credentials:0` already, for the same `For` (appsettings.json)" },
        { Bound($$""" "Context": "{{Team}}", "Kind": "Exchange", "File": "secret", "Create": { "Path": "/a", "Token": "t" } """),
            "Credentials:0:Delete: is missing" },
        { Bound($$""" "Context": "{{Team}}", "Kind": "Exchange", "File": "secret", "Create": { "Path": "a b", "Body": { "x": "{p" }, "Token": "t" }, "Delete": { "Path": "/d", "Body": { "i": "{id}" } } """), "Credentials:0:Create:Path: `a b` is not a path, expected one that begins with `/` (appsettings.json)\nCredentials:0:Create:Body:x: `{p` has a brace that holds no name, expected `{name}` with letters, digits, `_` and `-` (appsettings.json)\nCredentials:0:Create:Id: is missing: `Delete` holds `{id}`" },
        { Bound($$""" "Context": "{{Team}}", "Kind": "Bearer", "File": "secret", "Create": { "Path": "/a" } """),
            "Credentials:0:Create: is for kind `Exchange`, the kind is `Bearer`" },
    };

    [Theory]
    [InlineData("https://proxy.example.com", true)]
    [InlineData("https://proxy.example.com/", true)]
    [InlineData("http://localhost:8080", true)]
    [InlineData("http://127.0.0.1:8080/path", true)]
    [InlineData("https://proxy.example.com:8443", false)]
    [InlineData("https://proxy.example.com:443", false)]
    [InlineData("https://proxy.example.com/path", false)]
    [InlineData("https://Proxy.example.com", false)]
    [InlineData("http://proxy.example.com", false)]
    public void Where_accounts_sign_in_PublicUrl_is_one_that_authorization_servers_take(string publicUrl, bool isTaken)
    {
        var loaded = Configure.Load($$"""{ "PublicUrl": "{{publicUrl}}", "Upstreams": { "ATProto": { "OAuth": { "Accounts": ["*"] } } } }""");
        Assert.Equal(isTaken ? [] : ["PublicUrl"], loaded.Mistakes.Select(mistake => mistake.Key));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_mistake_is_named_with_its_key_and_place(string members, string expected)
    {
        var loaded = Configure.Load($$"""{ "PublicUrl": "https://proxy.example.com",{{members}}}""");
        Assert.Equal(expected, Configure.MistakesWithoutPlaces(loaded));
    }

    /// <summary>Members → what is wrong with a Git source, beside its not being available yet.</summary>
    public static TheoryData<string, string> GitCases => new()
    {
        { """ "Branch": "main" """, "Policies:0:Git:Url: is missing" },
        { """ "Url": "git://a.example/b" """,
            "Policies:0:Git:Url: `git://a.example/b` is not a repository's address, expected `https://…`, `ssh://…` or `file:///…` (appsettings.json)" },
        { """ "Url": "https://x:hunter2@a.example/b" """,
            "Policies:0:Git:Url: holds a user or password, expected an address without (`TokenFile` names the secret's file) (appsettings.json)" },
        { """ "Url": "http://x:hunter2@a.example/b" """,
            "Policies:0:Git:Url: is not a repository's address, expected `https://…`, `ssh://…` or `file:///…` (appsettings.json)" },
        { """ "Url": "https://a.example/b?private_token=hunter2" """,
            "Policies:0:Git:Url: holds a query, a fragment or a space, expected a scheme, a host and a path (appsettings.json)" },
        { """ "Url": "ext::sh -c id" """,
            "Policies:0:Git:Url: `ext::sh -c id` is not a repository's address, expected `https://…`, `ssh://…` or `file:///…` (appsettings.json)" },
        { """ "Url": "--upload-pack=id" """,
            "Policies:0:Git:Url: `--upload-pack=id` is not a repository's address, expected `https://…`, `ssh://…` or `file:///…` (appsettings.json)" },
        { """ "Url": "file://host/b" """,
            "Policies:0:Git:Url: `file://host/b` is not a repository's address, expected `https://…`, `ssh://…` or `file:///…` (appsettings.json)" },
        { """ "Url": "ssh://-oProxyCommand=id@a.example/b" """,
            "Policies:0:Git:Url: begins with a dash, which ssh would take for an option (appsettings.json)" },
        { """ "Url": "ssh://git:hunter2@a.example/b" """, "Policies:0:Git:Url: holds a password, expected `ssh://git@host/path` (appsettings.json)" },
        { """ "Url": "ssh://git@a.example/b" """, "Policies:0:Git:KnownHostsFile: is missing: ssh needs the host's key" },
        { """ "Url": "https://a.example/b", "Branch": "--upload-pack=x" """,
            "Policies:0:Git:Branch: `--upload-pack=x` is not the name of a branch (appsettings.json)" },
        { """ "Url": "https://a.example/b", "Path": "../x" """,
            "Policies:0:Git:Path: `../x` leads out of the repository, expected a relative path inside it (appsettings.json)" },
        { """ "Url": "https://a.example/b", "Interval": "60" """,
            "Policies:0:Git:Interval: `60` is not a duration, expected `[days.]hh:mm:ss` (appsettings.json)" },
        { """ "Url": "https://a.example/b", "TokenFile": "/no/token" """, "Policies:0:Git:TokenFile: file `/no/token` does not exist (appsettings.json)" },
        { """ "Url": "https://a.example/b", "TokenFile": "secret", "SshKeyFile": "secret" """,
            "Policies:0:Git:SshKeyFile: is given beside `TokenFile`, expected one of them (appsettings.json)" },
        { """ "Url": "https://a.example/b", "Status": {} """,
            "Policies:0:Git:Status:TokenFile: is missing, expected it, or `AppId` and `PrivateKeyFile` of a GitHub App" },
        { """ "Url": "https://a.example/b", "Status": { "AppId": 5 } """,
            "Policies:0:Git:Status:PrivateKeyFile: is missing: a GitHub App has an id and a private key" },
        { """ "Url": "https://a.example/b", "Status": { "PrivateKeyFile": "secret" } """,
            "Policies:0:Git:Status:AppId: is missing: a GitHub App has an id and a private key" },
        { """ "Url": "https://a.example/b", "Status": { "InstallationId": 7 } """,
            "Policies:0:Git:Status:AppId: is missing: a GitHub App has an id and a private key" },
        { """ "Url": "https://a.example/b", "Status": { "TokenFile": "secret", "AppId": 5 } """,
            "Policies:0:Git:Status:AppId: is given beside `TokenFile`, expected a token or an App (appsettings.json)" },
        { """ "Url": "https://a.example/b", "Status": { "TokenFile": "secret", "InstallationId": 5 } """,
            "Policies:0:Git:Status:InstallationId: is given beside `TokenFile`, expected a token or an App (appsettings.json)" },
        { """ "Url": "https://a.example/b", "Status": { "AppId": "-----BEGIN hunter2", "PrivateKeyFile": "secret" } """,
            "Policies:0:Git:Status:AppId: is neither the number nor the client id of an App (appsettings.json)" },
        { """ "Url": "https://a.example/b", "Status": { "AppId": "5", "PrivateKeyFile": "hunter2" } """,
            "Policies:0:Git:Status:PrivateKeyFile: file does not exist (appsettings.json)" },
        { """ "Url": "https://a.example/b", "Status": { "AppId": "5", "PrivateKeyFile": "secret", "InstallationId": "acme" } """,
            "Policies:0:Git:Status:InstallationId: `acme` is not a whole number from 1 to 9223372036854775807 (appsettings.json)" },
        { """ "Url": "https://a.example/b", "Status": { "ApiAddress": "http://ghe.example.com/api/v3", "TokenFile": "secret" } """,
            "Policies:0:Git:Status:ApiAddress: `http://ghe.example.com/api/v3` is plain http, expected https (http is accepted for loopback, private "
                + "addresses, `*.svc` and `*.cluster.local`) (appsettings.json)" },
    };

    [Theory]
    [MemberData(nameof(GitCases))]
    public void A_mistake_in_a_git_source_is_named(string members, string expected)
    {
        var loaded = Configure.Load($$"""{ "PublicUrl": "https://proxy.example.com", "Policies": [{ "Context": "{{Team}}", "Git": {{{members}}} }] }""");
        Assert.Equal(expected, Configure.MistakesWithoutPlaces(loaded).Split('\n')[0]);
    }

    [Theory]
    [InlineData("""{ "Urls": "x" """, "appsettings.json:1:15: is not valid JSON: expected depth to be zero at the end of the JSON payload. There is an open "
        + "JSON object or array that should be closed")]
    [InlineData("{\n  \"Urls\": nope\n}", "appsettings.json:2:12: is not valid JSON: a word has no quotes")]
    [InlineData("[]", "appsettings.json: is not a JSON object")]
    [InlineData("", "appsettings.json:1:1: is not valid JSON: the input does not contain any JSON tokens. Expected the input to start with a valid JSON token, "
        + "when isFinalBlock is true")]
    public void Broken_json_is_named_with_line_and_column(string json, string expected) => Assert.Equal(expected, Configure.Mistakes(Configure.Load(json)));

    [Fact]
    public void A_missing_configuration_file_is_a_mistake() =>
        Assert.Equal("gone.json: file does not exist", Configure.Mistakes(Configure.Load(null, ["--config", "gone.json"])));

    [Fact]
    public void A_directory_in_the_place_of_the_configuration_file_is_a_mistake() =>
        Assert.Equal(".: is a directory, expected a file", Configure.Mistakes(Configure.Load(null, ["--config", "."])));

    [Fact]
    public void All_mistakes_are_listed_at_once()
    {
        var loaded = Configure.Load("""{ "Tokens": { "Algorithm": "HS256", "Lifetime": 5 }, "Urls": "x" }""", ["--Polices:0:Directory", "."],
            new() { ["PORT"] = "http", ["Git__MaxSze"] = "1" });
        Assert.Equal(
            """
            Tokens:Lifetime: unknown key, expected `Algorithm`, `MaxLifetime`, `MaxChain`, `KeyRotation` or `ExternalAudiences` (appsettings.json:1:37)
            Urls: `x` is not an address to listen on, expected `http://host:port` (appsettings.json:1:54)
            Tokens:Algorithm: unknown algorithm `HS256`, expected `RS256` or `ES256` (appsettings.json:1:15)
            PORT: `http` is not a port, expected 0 to 65535 (environment variable PORT)
            Git:MaxSze: unknown key, did you mean `MaxSize`? (environment variable Git__MaxSze)
            Polices: unknown key, did you mean `Policies`? (argument --Polices:0:Directory)
            PublicUrl: is missing: it is the issuer of every token made here (only the environment `Development` has a default)
            """, Configure.Mistakes(loaded));
    }

    [Fact]
    public void A_mistake_shows_an_example() => Assert.Equal(
        """
        Policies:0:Context: `x` is not a context, expected `api://<Upstream>?actx=<id>` (appsettings.json:1:60)
          example: "Context": "api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        """, Configure.Load("""{ "PublicUrl": "https://proxy.example.com", "Policies": [{ "Context": "x", "Directory": "rbac" }] }""").Mistakes.Single().ToString());

    [Theory]
    [InlineData("--ConnectionStrings:Postgres", "ConnectionStrings:Postgres")]
    [InlineData("--Kestrel:Certificates:Default:Password", "Kestrel:Certificates:Default:Password")]
    public void A_secret_is_not_taken_from_the_command_line(string argument, string key)
    {
        var loaded = Configure.Load("""{ "PublicUrl": "https://proxy.example.com" }""", [argument, "Host=db;Password=hunter2"]);
        Assert.Contains(loaded.Mistakes, mistake => mistake.Key == key
            && mistake.Problem.StartsWith("may hold a secret and is not accepted on the command line", StringComparison.Ordinal));
        Assert.DoesNotContain(loaded.Mistakes, mistake => mistake.ToString().Contains("hunter2", StringComparison.Ordinal));
    }

    private static string Account(string credential) =>
        $$""" "Upstreams": { "ATProto": { "Kind": "atproto" } }, "Policies": [{ "Context": "api://ATProto?actx=acme", "Directory": "rbac" }, { "Context": "api://ATProto?actx=did:web:example.com", "Directory": "rbac" }], "Credentials": [{ {{credential.Trim()}} }] """;

    private static string Bound(string credential) =>
        $$""" "Policies": [{ "Context": "{{Team}}", "Directory": "rbac" }], "Credentials": [{ {{credential.Trim()}} }] """;
}
