using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Cli.Input;

/// <summary>A <c>FILE</c> of the command line: <c>-</c> is standard input.</summary>
internal static class InputFile
{
    private const int MaxLength = 16 * 1024 * 1024;

    public static bool TryRead(string file, [NotNullWhen(true)] out byte[]? content, [NotNullWhen(false)] out string? error)
    {
        content = null;
        error = file.Length == 0 ? "the name of a file is empty" : IsToken(file)
            ? "that is a token, expected the name of the file that holds it; `-` is standard input" : null;
        if (error is not null) return false;
        try
        {
            using var stream = file == "-"
                ? Console.OpenStandardInput() : new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            var buffer = new byte[81920];
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                bytes.Write(buffer, 0, read);
                if (bytes.Length > MaxLength)
                {
                    error = $"`{Name(file)}` is over 16 MiB";
                    return false;
                }
            }
            content = bytes.ToArray();
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            error = $"file `{file}` does not exist";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = Directory.Exists(file) ? $"`{file}` is a directory, expected a file" : $"file `{file}` can't be read";
        }
        return false;
    }

    /// <summary>
    /// A JWT, or a header with one, put where its file's name belongs: no message may repeat it into a terminal or a log. Both parts of a JWT begin with a JSON
    /// object.
    /// </summary>
    private static bool IsToken(string file) => file.Contains("eyJ", StringComparison.Ordinal) && file.Count(c => c == '.') >= 2 && file.Length > 40;

    /// <summary>How it is called in messages.</summary>
    public static string Name(string file) => file == "-" ? "<stdin>" : file;
}
