namespace Shared;

/// <summary>A program of this repository is not built or did not come up; the message is for the reader.</summary>
internal sealed class CannotStartException(string message) : Exception(message);
