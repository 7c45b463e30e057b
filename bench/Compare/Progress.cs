namespace Compare;

/// <summary>What is going on, for who looks on: on a terminal only.</summary>
internal static class Progress
{
    public static void Say(string line)
    {
        if (!Console.IsErrorRedirected) Console.Error.WriteLine(line);
    }
}
