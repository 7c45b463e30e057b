namespace Compare;

/// <summary>A temporary folder that goes with the run.</summary>
internal sealed class WorkFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("workload-proxy-bench-");

    public string Path => folder.FullName;

    public string File(string name, string? content = null)
    {
        var path = System.IO.Path.Combine(folder.FullName, name);
        if (content is null) return path;
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, content);
        return path;
    }

    public void Dispose() => folder.Delete(recursive: true);
}
