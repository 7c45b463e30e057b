using System.Text.Json;

namespace WorkloadProxy.Policies.Tests.Interop;

/// <summary>Constraints of a configuration mean what they mean in a role.</summary>
public sealed class ClaimConstraintsTests
{
    [Theory]
    [InlineData("""{"sub":"mint:1:*"}""", """{"sub":"mint:1:web"}""", true)]
    [InlineData("""{"sub":"mint:1:*"}""", """{"sub":"mint:2:web"}""", false)]
    [InlineData("""{"sub":"mint:1:*"}""", """{}""", false)]
    [InlineData("""{"run":7}""", """{"run":7.0}""", true)]
    [InlineData("""{"run":7}""", """{"run":"7"}""", false)]
    [InlineData("""{"ok":true}""", """{"ok":true}""", true)]
    [InlineData("""{"ok":true}""", """{"ok":"true"}""", false)]
    [InlineData("""{"groups":["a","b"]}""", """{"groups":["x","b"]}""", true)]
    [InlineData("""{"https://pulumi.com/org":"acme"}""", """{"https://pulumi.com/org":"acme"}""", true)]
    [InlineData("""{"kubernetes.io":{"namespace":"ci"}}""", """{"kubernetes.io":{"namespace":"ci","pod":{}}}""", true)]
    [InlineData("""{"kubernetes.io":{"namespace":"ci"}}""", """{"kubernetes.io":{"namespace":"prod"}}""", false)]
    [InlineData("""{"actx":"{actx}"}""", """{"actx":"f81d4fae"}""", true)]
    public void They_hold_as_in_a_role(string constraints, string claims, bool expected)
    {
        Assert.True(ClaimConstraints.TryParse(JsonElement.Parse(constraints), Some.Context, out var read, out var error), error);
        Assert.Equal(expected, read.Hold(JsonElement.Parse(claims)));
    }

    [Theory]
    [InlineData("[]", "is not an object of claims")]
    [InlineData("{}", "names no claim")]
    [InlineData("""{"sub":null}""", "can't constrain the claim `sub` so, expected a string, number, bool, object, or a list of these that is not empty")]
    [InlineData("""{"sub":[]}""", "can't constrain the claim `sub` so, expected a string, number, bool, object, or a list of these that is not empty")]
    [InlineData("""{"sub":[["a"]]}""", "can't constrain the claim `sub` so, expected a string, number, bool, object, or a list of these that is not empty")]
    [InlineData("""{"a":{"b":{}}}""", "can't constrain the claim `a.b` so, expected a string, number, bool, object, or a list of these that is not empty")]
    public void What_constrains_nothing_is_refused(string constraints, string expected)
    {
        Assert.False(ClaimConstraints.TryParse(JsonElement.Parse(constraints), Some.Context, out _, out var error));
        Assert.Equal(expected, error);
    }
}
