namespace Compare;

/// <summary>The same commits pushed to the product, in force when the push returns, and to <c>git http-backend</c> with nothing before it.</summary>
internal static class Push
{
    private const string Changed = "/v2/changed";

    private static readonly Dictionary<string, string> environment = new()
    {
        ["GIT_CONFIG_GLOBAL"] = "/dev/null",
        ["GIT_CONFIG_NOSYSTEM"] = "1",
        ["GIT_TERMINAL_PROMPT"] = "0",
        ["GIT_AUTHOR_NAME"] = "bench",
        ["GIT_AUTHOR_EMAIL"] = "bench@example.com",
        ["GIT_COMMITTER_NAME"] = "bench",
        ["GIT_COMMITTER_EMAIL"] = "bench@example.com",
    };

    public static async Task<IReadOnlyList<Verdict>> MeasureAsync(Field field, WorkFolder folder, Tokens tokens, int rounds)
    {
        var directory = PolicyFiles.Ordinary(folder, "pushed");
        await using var bare = await BareGit.StartAsync(folder.File("bare.git"));
        await using var product = await field.ProductAsync("push", policy: new { Tokens.Context, Hosted = new { InitialDirectory = directory } });
        using var http = tokens.Client(product);
        string[] remotes = [new Uri(bare.Address, "bare.git").ToString(), new Uri(product.Address, "_rbac/DigitalOcean/bench").ToString()];
        await GitAsync("init", "-q", "-b", "main");

        var over = new List<double>();
        for (var round = -1; round < rounds; round++)
        {
            var permitted = round % 2 == 0;
            PolicyFiles.Change(folder, "pushed", Changed, permitted, round);
            await GitAsync("add", "-A");
            await GitAsync("commit", "-q", "-m", $"change {round}");
            var milliseconds = new double[2];
            for (var i = 0; i < 2; i++)
            {
                var which = (i + round + 1) % 2;
                milliseconds[which] = (await GitAsync("-c", $"http.extraHeader=Authorization: Bearer {tokens.One()}", "push", "-q", remotes[which], "main"))
                    .TotalMilliseconds;
                if (which == 1 && (await http.GetAsync(Changed)).IsSuccessStatusCode != permitted)
                    throw new InvalidOperationException("a push returned before it was in force");
            }
            Progress.Say($"push       {(round < 0 ? "warm-up" : $"round {round + 1}"),-8} git alone {milliseconds[0],6:0} ms, the product "
                + $"{milliseconds[1],6:0} ms");
            if (round >= 0) over.Add(milliseconds[1] - milliseconds[0]);
        }
        return [Verdict.Below("push → in force, over `git http-backend` alone", 200, "ms", over)];

        async Task<TimeSpan> GitAsync(params string[] arguments) => (await Command.RunAsync("git", ["-C", directory, .. arguments], environment)).Elapsed;
    }
}
