using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicySources;

/// <summary>Reads a directory's policy files, as the server and the command line take them.</summary>
internal static class PolicyDirectoryReader
{
    private const long MaxTotalLength = 512L * 1024 * 1024;

    public static PolicyDirectoryContent Read(string directory)
    {
        var tree = PolicyTree.List(directory);
        var files = new List<PolicyFile>(tree.Files.Count);
        var problems = tree.Problems.ToImmutableArray().ToBuilder();
        var total = 0L;
        foreach (var file in tree.Files)
        {
            if (file.Length > HclParser.MaxFileSize)
            {
                problems.Add(Problem("file-too-large", file.Path, $"the file has {file.Length} bytes, over the limit of 4 MiB", "split it"));
            }
            else if ((total += file.Length) > MaxTotalLength)
            {
                problems.Add(Problem("too-many-files", file.Path, "the files have over 512 MiB together", null));
                break;
            }
            else if (ReadFile(file) is { } content)
            {
                files.Add(new(file.Path, content));
            }
            else
            {
                problems.Add(Problem("unreadable", file.Path, "the file can't be read", "give the proxy's user the right to read it"));
            }
        }
        return new(files, problems.ToImmutable(), tree, Hash(files));
    }

    /// <summary>A diagnostic that is about a whole file or directory.</summary>
    public static Diagnostic Problem(string code, string path, string summary, string? help)
    {
        var start = new SourcePosition(0, 1, 1);
        return new(DiagnosticSeverity.Error, code, summary, help, new(path, start, start));
    }

    private static byte[]? ReadFile(PolicyTreeFile file)
    {
        // pipes and devices have no length either: they must not be opened, for that may wait for ever
        if (file.Length == 0) return [];
        try
        {
            using var stream = new FileStream(file.RealPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            // what is being written may have grown since
            var content = new byte[Math.Min(stream.Length, HclParser.MaxFileSize + 1)];
            return content.AsSpan(0, stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)).ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Hash(List<PolicyFile> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        foreach (var file in files)
        {
            Append(Encoding.UTF8.GetBytes(file.Path), length);
            Append(file.Content.Span, length);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(ReadOnlySpan<byte> bytes, Span<byte> length)
        {
            BinaryPrimitives.WriteInt64LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
    }
}

/// <summary>The files in the order of their paths, what was wrong on the way (errors), the listing they were read by, and a hash over them.</summary>
internal sealed record PolicyDirectoryContent(IReadOnlyList<PolicyFile> Files, ImmutableArray<Diagnostic> Problems, PolicyTree Tree, string Hash)
{
    /// <summary>Nothing that can be told from a listing has changed.</summary>
    public bool IsListedAs(PolicyTree other) => Tree.Files.SequenceEqual(other.Files) && Tree.Problems.SequenceEqual(other.Problems) && Tree.Directories.SequenceEqual(other.Directories);
}
