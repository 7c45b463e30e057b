using System.Text;

namespace WorkloadProxy.Provisioning.Creating;

/// <summary>The script that runs on a VM (<c>vm.sh</c>), with what this VM is told.</summary>
internal static class VmScript
{
    private static readonly string template = Read();

    public static string For(string publicUrl, string team, ReadOnlySpan<byte> provisioningToken) =>
        template.Replace("@URL@", Quoted(publicUrl), StringComparison.Ordinal).Replace("@TEAM@", Quoted(team), StringComparison.Ordinal)
            .Replace("@TOKEN@", Quoted(Encoding.ASCII.GetString(provisioningToken)), StringComparison.Ordinal);

    /// <summary>One word to a shell, whatever it holds.</summary>
    private static string Quoted(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static string Read()
    {
        using var stream = typeof(VmScript).Assembly.GetManifestResourceStream("WorkloadProxy.Provisioning.Creating.vm.sh")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
