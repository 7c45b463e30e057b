namespace WorkloadProxy.Configuration.Sources;

/// <summary>What stands at a key of a configuration source.</summary>
internal enum SettingShape { Value, Null, EmptyList, EmptyObject }

/// <summary>One key of one source, as it was written: <c>Policies:0:Context</c>. <paramref name="Origin"/> says where.</summary>
internal sealed record Setting(string Key, string? Value, string Origin, SettingShape Shape = SettingShape.Value)
{
    public static Setting Of(string key, string value, string origin) =>
        value.Length == 0 ? new(key, null, origin, SettingShape.Null) : new(key, value, origin);
}
