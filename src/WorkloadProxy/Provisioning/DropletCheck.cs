using WorkloadProxy.Requests;
using WorkloadProxy.Upstreams.DigitalOcean;

namespace WorkloadProxy.Provisioning;

/// <summary>Whether a droplet is still what its identity was created for: it exists, and its tag says the same.</summary>
internal sealed class DropletCheck(DropletLookup lookup)
{
    public async Task<Result<Droplet>> FindAsync(ProvisionedDroplet provisioned, CancellationToken cancellationToken)
    {
        if (!(await lookup.FindAsync(provisioned.Context, provisioned.Id, cancellationToken)).Succeeded(out var droplet, out var failure)) return failure;
        if (ProvisioningTag.StillSay(droplet.Tags, provisioned.Subject)) return droplet;
        return new Failure(ErrorId.Forbidden, $"the droplet's `{ProvisioningTag.Prefix}…` tag is not the one that it was created with");
    }
}
