using Microsoft.Extensions.Time.Testing;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>A clock that stands still until a test moves it.</summary>
internal static class TestClock
{
    public static FakeTimeProvider New() => new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    /// <summary>Moves on in steps until <paramref name="task"/> ends, letting what waits outside the clock (sockets, threads) catch up at each.</summary>
    public static async Task<T> AdvanceUntilAsync<T>(this FakeTimeProvider time, Task<T> task, TimeSpan step, TimeSpan atMost)
    {
        var end = time.GetUtcNow() + atMost;
        while (await Task.WhenAny(task, Task.Delay(20)) != task && time.GetUtcNow() < end) time.Advance(step);
        return await task.WaitAsync(TimeSpan.FromSeconds(20));
    }
}
