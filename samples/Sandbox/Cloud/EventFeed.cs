using System.Collections.Immutable;
using System.Threading.Channels;

namespace Sandbox.Cloud;

/// <summary>What <c>/v2/events</c> sends to whoever listens at the time.</summary>
public sealed class EventFeed
{
    private ImmutableList<Channel<string>> listeners = [];

    public void Publish(string data)
    {
        foreach (var listener in listeners) listener.Writer.TryWrite(data);
    }

    internal Channel<string> Listen()
    {
        var channel = Channel.CreateUnbounded<string>();
        ImmutableInterlocked.Update(ref listeners, all => all.Add(channel));
        return channel;
    }

    internal void Leave(Channel<string> channel) => ImmutableInterlocked.Update(ref listeners, all => all.Remove(channel));
}
