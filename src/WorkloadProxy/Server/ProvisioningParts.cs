using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Issuing;
using WorkloadProxy.Outbound;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.Provisioning;
using WorkloadProxy.Provisioning.Creating;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;
using WorkloadProxy.Upstreams.DigitalOcean;

namespace WorkloadProxy.Server;

/// <summary>Provisioning of VMs, put together: two endpoints, and an interceptor of creations for upstreams of kind <c>digitalocean</c>.</summary>
internal sealed class ProvisioningParts
{
    private readonly ProvisioningMaintenance maintenance;
    private readonly UpstreamParts digitalOcean;

    public ProvisioningParts(
        ProxyOptions options, Store store, SigningKeys keys, RevocationSet revocations, StoreChanges changes, PolicySetStore sets, CredentialStore credentials,
        BoundedFetch fetch,
        TokenIssuer issuer, ApiTokens apiTokens, TimeProvider time, ILoggerFactory logs)
    {
        var tokens = new ProvisionedTokens(keys, options, time);
        var droplets = new ProvisioningStore(store.Database, time);
        var families = new RefreshFamilies(store.Database, revocations, changes, options.Tokens.MaxChain, time);
        var check = new DropletCheck(new DropletLookup(options, credentials, fetch));
        var hostKeys = new HostKeys(options.Provisioning, options.DataDirectory, time);
        hostKeys.RemoveLeftovers();
        Prove = new ProveEndpoint(droplets, check, hostKeys, tokens, issuer, new FailureLimit(time), time, logs.CreateLogger<ProveEndpoint>());
        Refresh = new RefreshEndpoint(droplets, families, check, tokens, issuer, new FailureLimit(time));
        Revocation = new ProvisionedRevocation(droplets, families);
        maintenance = new ProvisioningMaintenance(droplets, families, time, logs.CreateLogger<ProvisioningMaintenance>());
        digitalOcean = new UpstreamParts
            { Interceptors = [new DropletCreate(options, sets, apiTokens, tokens, droplets, time, logs.CreateLogger<DropletCreate>())] };
    }

    public ProveEndpoint Prove { get; }
    public RefreshEndpoint Refresh { get; }
    public ProvisionedRevocation Revocation { get; }

    public UpstreamParts PartsOf(UpstreamOptions upstream) => upstream.Kind == UpstreamKind.DigitalOcean ? digitalOcean : UpstreamParts.None;

    public Task MaintainAsync(CancellationToken cancellationToken) => maintenance.RunAsync(cancellationToken);
}
