namespace Quickstart;

/// <summary>A program that the quickstart needs is not there or did not come up; the message is for the reader.</summary>
internal sealed class CannotStartException(string message) : Exception(message);
