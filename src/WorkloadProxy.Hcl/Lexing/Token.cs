namespace WorkloadProxy.Hcl;

/// <summary>A token's kind, its bytes, and where it starts; where it ends follows from the next one's start, for only ASCII blanks lie between two.</summary>
internal readonly record struct Token(TokenKind Kind, int Start, int End, int Line, int Column);
