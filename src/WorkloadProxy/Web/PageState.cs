namespace WorkloadProxy.Web;

/// <summary>The state of something in a word, with a tone that colours it. The word says all: nobody needs to see the colour.</summary>
internal sealed record PageState(PageTone Tone, string Word);

internal enum PageTone { Good, Warn, Bad }
