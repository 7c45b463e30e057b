using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies;

/// <summary>JSON → the values that expressions compute with.</summary>
internal static class ConditionValues
{
    /// <summary>Never fails: a number that no HCL number can hold becomes a value that every operator refuses.</summary>
    public static HclValue FromJson(JsonElement element) => throw new NotImplementedException();
}
