using FsCheck;
using FsCheck.Fluent;

namespace WorkloadProxy.Policies.Tests.Requests;

public sealed class RequestTargetProperties
{
    private static readonly string[] Pieces =
        ["/", "//", "a", "B", ".", "..", ";", "%", "%2e", "%2F", "%2f", "%5c", "%25", "%252e", "41", "%41", "%00", "%c3", "%a9", "%C3%A9", "+", "*", "?", "#",
            "&", "=", "\\", " ", "é", "\u0001", "%01", "~", "v1/oidc", "_rbac"];

    private static Config Bounded(ulong seed) => Config.QuickThrowOnFailure.WithMaxTest(3000).WithReplay(seed, 1UL);

    private static Arbitrary<string> Targets
        => Gen.Elements(Pieces).ListOf().Select(pieces => "/" + string.Concat(pieces)).ToArbitrary();

    [Fact]
    public void The_forwarded_form_is_a_fixed_point_and_means_the_same_path() => Check.One(Bounded(11), Prop.ForAll(Targets, raw =>
    {
        if (!RequestTarget.TryParse(raw, out var target, out var error, out _)) return error.Length > 0;
        return RequestTarget.TryParse(target.Forwarded, out var again, out _, out _)
            && again.Forwarded == target.Forwarded && again.MatchPath == target.MatchPath && again.Path == target.Path && again.RawQuery == target.RawQuery
            && again.IsOwnPath == target.IsOwnPath;
    }));

    [Fact]
    public void No_accepted_path_holds_what_an_upstream_could_resolve_to_another() => Check.One(Bounded(12), Prop.ForAll(Targets, raw =>
    {
        if (!RequestTarget.TryParse(raw, out var target, out _, out _)) return true;
        var decoded = target.Path;
        while (Uri.UnescapeDataString(decoded) is var further && further != decoded) decoded = further;
        var segments = decoded.Split('/', '\\');
        return segments.All(segment => segment.Split(';')[0] is not ("." or "..")) && segments[1..^1].All(segment => segment.Length > 0)
            && !decoded.Any(char.IsControl);
    }));

    [Fact]
    public void What_may_pass_through_as_an_own_path_is_one_when_parsed() => Check.One(Bounded(13), Prop.ForAll(Targets, raw =>
    {
        if (!RequestTarget.TryParse(raw, out var target, out _, out _)) return true;
        return RequestTarget.TryCheckPassThrough(raw, out var own, out _) && own == target.IsOwnPath;
    }));
}
