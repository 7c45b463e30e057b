using Microsoft.Extensions.Time.Testing;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>A clock that stands still until a test moves it, at one beginning for all tests.</summary>
internal sealed class ManualTime(DateTimeOffset start) : FakeTimeProvider(start)
{
    public ManualTime() : this(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Moves on in steps until <paramref name="task"/> ends, letting what waits outside the clock (sockets, threads) catch up at each.</summary>
    public async Task<T> AdvanceUntilAsync<T>(Task<T> task, TimeSpan step, TimeSpan atMost)
    {
        var end = GetUtcNow() + atMost;
        while (await Task.WhenAny(task, Task.Delay(20)) != task && GetUtcNow() < end) Advance(step);
        return await task.WaitAsync(TimeSpan.FromSeconds(20));
    }
}
