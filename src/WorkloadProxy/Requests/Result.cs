using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Requests;

/// <summary>A value or the failure that stands for it. The default value is neither and throws when read: it can't be taken for success.</summary>
internal readonly struct Result<T> where T : class
{
    private Result(T? value, Failure? failure) { Value = value; Failure = failure; }
    public T? Value { get; }
    public Failure? Failure { get; }

    public bool Succeeded([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out Failure? failure)
    {
        value = Value;
        failure = Failure;
        if (value is null && failure is null) throw new InvalidOperationException("an empty result was read");
        return value is not null;
    }

    public static implicit operator Result<T>(T value) => new(value, null);
    public static implicit operator Result<T>(Failure failure) => new(null, failure);
}
