namespace WorkloadProxy.Configuration.Sources;

/// <summary>What a configuration source has at a key.</summary>
internal enum SettingShape { Value, Null, EmptyList, EmptyObject }

/// <summary>One key of one source, as it was written: <c>Policies:0:Context</c>. <paramref name="Origin"/> says where.</summary>
internal sealed record Setting(string Key, string? Value, string Origin, SettingShape Shape = SettingShape.Value)
{
    /// <summary>The directory that a relative path in it starts from, where that is not the configuration file's.</summary>
    public string? BaseDirectory { get; init; }

    public static Setting Of(string key, string value, string origin) =>
        value.Length == 0 ? new(key, null, origin, SettingShape.Null) : new(key, value, origin);
}
