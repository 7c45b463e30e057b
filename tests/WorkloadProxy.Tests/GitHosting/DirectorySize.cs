namespace WorkloadProxy.Tests.GitHosting;

internal static class DirectorySize
{
    public static long Of(string directory) => new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
}
