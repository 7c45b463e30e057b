namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>
/// How many requests git runs for at once: so many in all, and of one context a quarter of them, so that no tenant can keep another one's push waiting.
/// </summary>
internal sealed class GitPlaces
{
    public const int InAll = 32;
    public const int OfOneContext = InAll / 4;
    private readonly SemaphoreSlim all = new(InAll);

    /// <summary>Its own first: what waits for that holds none of the others'.</summary>
    public async Task<IDisposable> TakeAsync(HostedRepository repository, CancellationToken cancellationToken)
    {
        await repository.Places.WaitAsync(cancellationToken);
        try
        {
            await all.WaitAsync(cancellationToken);
        }
        catch
        {
            repository.Places.Release();
            throw;
        }
        return new Place(all, repository.Places);
    }

    private sealed class Place(SemaphoreSlim all, SemaphoreSlim own) : IDisposable
    {
        public void Dispose()
        {
            all.Release();
            own.Release();
        }
    }
}
