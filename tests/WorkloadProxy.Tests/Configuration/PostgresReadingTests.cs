using FsCheck;
using FsCheck.Fluent;
using Npgsql;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Tests.Configuration;

public sealed class PostgresReadingTests
{
    [Theory]
    [InlineData("postgres://db.example.com", "Host=db.example.com")]
    [InlineData("postgresql://u:p@db:25060/defaultdb?sslmode=require", "Host=db;Port=25060;Username=u;Password=p;Database=defaultdb;SSL Mode=Require")]
    [InlineData("postgres://u%40x:p%2F%3A%3F%23%5B%5D%40%25%3B%3D%22%27%20@db/a%20b", "Host=db;Username=u@x;Password='p/:?#[]@%;=\"'' ';Database=a b")]
    [InlineData("postgres://u:@db/", null)]
    [InlineData("postgres://[::1]:5433/x", "Host=::1;Port=5433;Database=x")]
    [InlineData("postgres://a:1,b:2/x?target_session_attrs=read-write", "Host=a:1,b:2;Database=x;Target Session Attributes=read-write")]
    [InlineData("postgres:///x?host=/var/run/postgresql&user=u", "Host=/var/run/postgresql;Username=u;Database=x")]
    [InlineData("postgres://%2Fvar%2Frun/x", "Host=/var/run;Database=x")]
    [InlineData("postgres://db/x?application_name=a%26b&connect_timeout=3&sslmode=verify-full&channel_binding=require",
        "Host=db;Database=x;Application Name=a&b;Timeout=3;SSL Mode=VerifyFull;Channel Binding=Require")]
    [InlineData("Host=db;Database=x", "Host=db;Database=x")]
    [InlineData(" host = db ; DB='a''b;c' ;User ID=\"u\";pwd= p=q ; ", "Host=db;Database=\"a'b;c\";Username=u;Password=p=q")]
    [InlineData("Server=db;SslMode=VerifyCA;Maximum Pool Size=3;Command Timeout=7;Search Path=proxy",
        "Host=db;SSL Mode=VerifyCA;Maximum Pool Size=3;Command Timeout=7;Search Path=proxy")]
    public void Both_forms_are_read(string text, string? expected)
    {
        var settings = PostgresReading.Parse(text, path => path, out var problem);
        if (expected is null)
        {
            Assert.Null(settings);
            return;
        }
        Assert.Equal("", problem);
        Assert.True(new NpgsqlConnectionStringBuilder(expected)
            .EquivalentTo(new NpgsqlConnectionStringBuilder(PostgresReading.ToOptions(settings!).ConnectionString.Reveal())));
    }

    private const string Encoded = "; in a user, a password or a name, `:`, `/`, `?`, `#`, `@` and `%` are written percent-encoded";

    [Theory]
    [InlineData("hunter2", "is not a connection string, expected `postgres://…` or `Host=…;Database=…`")]
    [InlineData("mysql://u:hunter2@db/x", "is not a connection string, expected `postgres://…` or `Host=…;Database=…`")]
    [InlineData("Host", "is not a connection string, expected `postgres://…` or `Host=…;Database=…`")]
    [InlineData("=db", "is not a connection string, expected `postgres://…` or `Host=…;Database=…`")]
    [InlineData("Host=db;hunter2;Database=x", "is not a connection string, expected `postgres://…` or `Host=…;Database=…`")]
    [InlineData("Host=db;Password='hunter2", "is not a connection string, expected `postgres://…` or `Host=…;Database=…`")]
    [InlineData("Host=db;Password='hunter2'x;Database=x", "is not a connection string, expected `postgres://…` or `Host=…;Database=…`")]
    [InlineData("Database=x;Password=hunter2", "names no server, expected `Host=…` or `postgres://host/…`")]
    [InlineData("postgres://u:hunter2@/x", "names no server, expected `Host=…` or `postgres://host/…`")]
    [InlineData("Host=a;Server=b", "`Host` is given twice")]
    [InlineData("postgres://u:hunter2@db/x?password=other", "`Password` is given twice")]
    [InlineData("postgres://db/x?host=other", "`Host` is given twice")]
    [InlineData("host=db dbname=x password=hunter2", "`Host` is malformed, expected host names without white space")]
    [InlineData("Host=db;Port=0", "`Port` is malformed, expected 1 to 65535")]
    [InlineData("Host=db;Port=+5432", "`Port` is malformed, expected 1 to 65535")]
    [InlineData("Host=db;Database=", "`Database` is empty, expected a name")]
    [InlineData("postgres://db/x?sslmode=yes", "`SSL Mode` is malformed, expected `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`")]
    [InlineData("postgres://db/x?sslrootcert=/no/such/file", "the file of `Root Certificate` does not exist")]
    [InlineData("postgres://db/x?connect_timeout=0", "`Timeout` is malformed, expected 1 to 60 seconds")]
    [InlineData("postgres://db:0/x", "has a malformed server, expected `host`, `host:port` or a list of them" + Encoded)]
    [InlineData("postgres://db:port/x", "has a malformed server, expected `host`, `host:port` or a list of them" + Encoded)]
    [InlineData("postgres://[::1/x", "has a malformed server, expected `host`, `host:port` or a list of them" + Encoded)]
    [InlineData("postgres://a,,b/x", "has a malformed server, expected `host`, `host:port` or a list of them" + Encoded)]
    [InlineData("postgres://u:hun/ter2@db/x", "has one `@` too many" + Encoded)]
    [InlineData("postgres://u:hun@ter2@db/x", "has one `@` too many" + Encoded)]
    [InlineData("postgres://u:hun?ter2@db/x", "has one `@` too many" + Encoded)]
    [InlineData("postgres://u:hun:ter2@db/x", "has one `:` too many before its `@`" + Encoded)]
    [InlineData("postgres://u:hunter2#@db/x", "is not an address: it holds a `#` or white space" + Encoded)]
    [InlineData("postgres://u:hunter2%@db/x", "has a malformed password" + Encoded)]
    [InlineData("postgres://u:hunter2%zz@db/x", "has a malformed password" + Encoded)]
    [InlineData("postgres://u:hunter2%00@db/x", "has a malformed password" + Encoded)]
    [InlineData("postgres://u:hunter2%FF@db/x", "has a malformed password" + Encoded)]
    [InlineData("postgres://db/x/y", "has a malformed database name" + Encoded)]
    [InlineData("postgres://db/x?hunter2", "has a malformed option, expected `?name=value&…`" + Encoded)]
    public void What_has_no_one_reading_is_refused_without_showing_it(string text, string expected)
    {
        Assert.Null(PostgresReading.Parse(text, path => path, out var problem));
        Assert.Equal(expected, problem);
        Assert.DoesNotContain("hunter2", problem);
    }

    [Theory]
    [InlineData("Host=db;Include Error Detail=true")]
    [InlineData("Host=db;Persist Security Info=true")]
    [InlineData("Host=db;Password=abc;hunter2=x")]
    [InlineData("postgres://db/x?hunter2=y")]
    public void A_name_that_is_not_known_may_be_a_part_of_a_password_and_is_not_shown(string text)
    {
        Assert.Null(PostgresReading.Parse(text, path => path, out var problem));
        Assert.Matches("^setting [23] has an unknown name, expected `Host`, `Port`, ", problem);
        Assert.DoesNotContain("hunter2", problem);
    }

    private static readonly Arbitrary<string> secrets = ArbMap.Default.ArbFor<NonEmptyString>()
        .Generator.Select(text => string.Concat(text.Get.Where(c => !char.IsControl(c) && !char.IsSurrogate(c))))
        .Where(text => text.Length > 0).ToArbitrary();

    [Fact]
    public void Any_password_survives_both_forms() => Prop.ForAll(secrets, secrets, (user, password) =>
    {
        foreach (var text in (string[])[$"postgres://{Uri.EscapeDataString(user)}:{Uri.EscapeDataString(password)}@db/x",
            $"Host=db;Username=\"{user.Replace("\"", "\"\"")}\";Password='{password.Replace("'", "''")}'"])
        {
            var settings = PostgresReading.Parse(text, path => path, out _);
            var read = new NpgsqlConnectionStringBuilder(PostgresReading.ToOptions(settings!).ConnectionString.Reveal());
            if (read.Username != user || read.Password != password || read.Host != "db") return false;
        }
        return true;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_text_whatever_breaks_the_reader_or_is_repeated_by_it() => Prop.ForAll(
        Gen.Elements("postgres://", "Host=", "=", ";", ":", "@", "/", "?", "&", "#", "%", "%41", "[", "]", ",", "'", "\"", " ", "a", "port", "sslmode",
            "hunter2").ListOf().Select(string.Concat).ToArbitrary(), text =>
        {
            var settings = PostgresReading.Parse(text, path => path, out var problem);
            if (settings is null) return problem.Length > 0 && !problem.Contains("hunter2", StringComparison.Ordinal);
            _ = new NpgsqlConnectionStringBuilder(PostgresReading.ToOptions(settings).ConnectionString.Reveal());
            return problem.Length == 0;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Theory]
    [InlineData("postgres://u:p@db.example.com/x", true)]
    [InlineData("postgres://u:p@db.example.com/x?sslmode=prefer", true)]
    [InlineData("postgres://u:p@db.example.com/x?sslmode=require", false)]
    [InlineData("postgres://u:p@localhost/x", false)]
    [InlineData("postgres://u:p@127.0.0.1:5432/x", false)]
    [InlineData("postgres://u:p@[::1]/x", false)]
    [InlineData("postgres://u:p@127.0.0.1:1,db:2/x", true)]
    [InlineData("postgres:///x?host=/run/postgresql", false)]
    public void Plain_text_over_a_network_is_warned_about(string address, bool warned)
    {
        var options = Configure.Options("""{ "PublicUrl": "https://proxy.example.com", "MasterKeyFile": "key", "Urls": "http://127.0.0.1:1" }""", [],
            new() { ["ConnectionStrings__Postgres"] = address });
        Assert.Equal(warned, options.Warnings.Any(warning => warning.Key == "ConnectionStrings:Postgres"));
        Assert.DoesNotContain(":p@", options.ToString());
    }
}
