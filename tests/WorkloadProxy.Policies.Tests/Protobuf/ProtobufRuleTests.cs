using System.Text;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Deciding;

namespace WorkloadProxy.Policies.Tests.Protobuf;

public sealed class ProtobufRuleTests
{
    private const string Proto = "application/proto";

    /// <summary>A constraint on field 1 → an encoded field 1 (in hex) → whether it is permitted.</summary>
    public static TheoryData<string, string, bool> Values => new()
    {
        { "\"proj-a\"", "0a0670726f6a2d61", true },
        { "\"proj-a\"", "0a0670726f6a2d62", false },
        { "\"proj-*\"", "0a0670726f6a2d62", true },
        { "[\"x\", \"proj-a\"]", "0a0670726f6a2d61", true },
        { "regex(\"proj-[ab]\")", "0a0670726f6a2d61", true },
        { "regex(\"proj-[ab]\")", "0a0670726f6a2d63", false },
        { "any()", "0a0670726f6a2d63", true },
        { "[]", "0d01000000", true },
        // every occurrence counts, the first and the last
        { "\"a\"", "0a01610a0161", true },
        { "\"a\"", "0a01610a0162", false },
        { "\"a\"", "0a01620a0161", false },
        // text that is no UTF-8, and other wire types
        { "\"*\"", "0a01ff", false },
        { "\"*\"", "0801", false },
        { "\"*\"", "0d01000000", false },
        // numbers: by value, and only from varints
        { "5", "0805", true },
        { "5", "0806", false },
        { "5", "088580808010", false },
        { "5", "0d05000000", false },
        { "5", "0a0135", false },
        { "-1", "08ffffffffffffffffff01", true },
        { "18446744073709551615", "08ffffffffffffffffff01", true },
        { "9007199254740993", "088180808080808010", true },
        { "range(1, 10)", "080a", true },
        { "range(1, 10)", "080b", false },
        // what is great as an unsigned number, or small in 32 bits, is no way round
        { "max(10)", "08ffffffffffffffffff01", false },
        { "range(-5, 5)", "08ffffffffffffffffff01", true },
        { "min(1000)", "088580808010", false },
        { "min(1000)", "08e80f", true },
        // -1, and 2^63 + 5, whose lower half is 5: both are negative for a receiver of signed numbers
        { "min(1)", "08ffffffffffffffffff01", false },
        { "min(1)", "0885808080808080808001", false },
        { "min(-5)", "08ffffffffffffffffff01", true },
        { "min(-5)", "0885808080808080808001", false },
        // 2^32 + 5, and what a receiver of 32 bits reads as -2^31
        { "range(1, 10)", "088580808010", false },
        { "range(-10, 10)", "088580808010", false },
        { "range(-10, 10)", "08fbffffff0f", false },
        { "min(0)", "088080808008", false },
        { "min(0)", "08ffffffff07", true },
        { "max(-1)", "08ffffffffffffffffff01", false },
        { "range(-5, -1)", "08ffffffffffffffffff01", true },
        { "range(-5, -1)", "08ffffffff0f", false },
        { "range(1, 10000000000)", "08e40f", true },
        { "range(1, 10000000000)", "08ffffffffffffffffff01", false },
        { "range(0, 18446744073709551615)", "08ffffffffffffffffff01", true },
        { "4294967295", "08ffffffff0f", true },
        { "-1", "08ffffffff0f", false },
        { "true", "0801", true },
        { "true", "0802", false },
        { "false", "0800", true },
        // messages as objects, at every depth
        { "{ \"#2\" = \"a\" }", "0a03120161", true },
        { "{ \"#2\" = \"a\" }", "0a03120162", false },
        { "{ \"#2\" = \"a\" }", "0a051201611801", false },
        { "{ \"#2\" = \"a\", \"*\" = [] }", "0a051201611801", true },
        { "{ \"#2\" = { \"#3\" = 1 } }", "0a0412021801", true },
        { "{ \"#2\" = optional(\"a\") }", "0a00", true },
        // lists of messages: each occurrence is an element
        { "[{ \"#2\" = \"a\" }, { \"#2\" = \"b\" }]", "0a031201610a03120162", true },
        { "[{ \"#2\" = \"a\" }]", "0a031201610a03120162", false },
        { "list(\"a\", 1, 2)", "0a01610a0161", true },
        { "list(\"a\", 1, 2)", "0a01610a01610a0161", false },
        // numbers may come packed where the rule says that they are a list, and nowhere else
        { "list(range(1, 9), 1, 3)", "0a03010203", true },
        { "list(range(1, 9), 1, 3)", "080108020803", true },
        { "list(range(1, 9), 1, 3)", "0a0201020803", true },
        { "list(range(1, 9), 1, 3)", "0a0401020304", false },
        { "list(range(1, 9), 1, 3)", "0a030102030801", false },
        { "list(range(1, 9), 1, 3)", "0a0301020a", false },
        { "list(range(1, 9), 2, 3)", "0a0101", false },
        { "list(range(1, 9), 0, 3)", "0a00", false },
        { "optional(list(range(1, 9), 0, 3))", "0a00", true },
        { "list([1, 2], 1, 3)", "0a0101", true },
        { "list(true, 1, 3)", "0a020101", true },
        { "list(true, 1, 3)", "0a020102", false },
        { "list(1, 1, 3)", "0a028100", false },
        { "list(1, 1, 3)", "0a0181", false },
        { "list(1, 1, 9)", "0a06818080808010", false },
        { "list(1, 1, 3)", "0d01000000", false },
        { "range(1, 9)", "0a0101", false },
        { "[1, 2]", "0a0101", false },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_field_is_permitted_when_each_of_its_occurrences_is(string constraint, string hex, bool permitted)
    {
        Assert.Equal(permitted ? DecisionOutcome.Allow : DecisionOutcome.Deny, Decide($"{{ \"#1\" = {constraint} }}", hex).Outcome);
    }

    [Theory]
    [InlineData("\"#1\" = \"a\"", "1201610a0161", "parameter `#2` is not permitted")]
    [InlineData("\"#1\" = \"a\"", "", "parameter `#1` is missing")]
    [InlineData("\"#1\" = \"a\", \"#2\" = \"b\"", "0a0161", "parameter `#2` is missing")]
    [InlineData("\"#1\" = { \"#2\" = \"a\" }", "0a03120162", "parameter `#1.#2` has a value that is not permitted")]
    public void A_denial_names_the_field(string allowed, string hex, string reason)
    {
        Assert.StartsWith(reason, Decide($"{{ {allowed} }}", hex).Reason);
    }

    [Theory]
    [InlineData("00", "a field's number is 0")]
    [InlineData("0b", "it holds a group")]
    [InlineData("0c", "it holds a group")]
    [InlineData("0e", "a field has an unknown wire type")]
    [InlineData("0f", "a field has an unknown wire type")]
    [InlineData("0a05616263", "a field ends after the message")]
    [InlineData("0d0102", "a field ends after the message")]
    [InlineData("0a", "it ends within a varint")]
    [InlineData("0880", "it ends within a varint")]
    [InlineData("088000", "a varint is longer than it need be")]
    [InlineData("0a818000", "a varint is longer than it need be")]
    [InlineData("08ffffffffffffffffff02", "a varint is over 64 bits")]
    [InlineData("08ffffffffffffffffffff01", "a varint is over 64 bits")]
    [InlineData("8a8080808001", "a field's number is over 29 bits")]
    [InlineData("0affffffffffffffffff01", "a field ends after the message")]
    public void What_is_no_message_is_400(string hex, string fault)
    {
        var decision = Decide("{ \"#1\" = \"a\", \"*\" = [] }", hex);

        Assert.Equal(DecisionOutcome.BadRequest, decision.Outcome);
        Assert.EndsWith(fault, decision.Reason);
    }

    [Fact]
    public void What_is_no_message_within_a_message_is_400_too()
    {
        var decision = Decide("{ \"#1\" = { \"#2\" = \"a\" } }", "0a020b0c");

        Assert.Equal(DecisionOutcome.BadRequest, decision.Outcome);
        Assert.StartsWith("parameter `#1` is not a protobuf message: it holds a group", decision.Reason);
    }

    [Theory]
    [InlineData("\"secret\"", "0a06736563726574", true)]
    [InlineData("\"secret\"", "0a0161", false)]
    [InlineData("\"secret\"", "0a01610a06736563726574", true)]
    // a value that can't be compared is refused
    [InlineData("\"secret\"", "0a01ff", true)]
    [InlineData("\"secret\"", "0801", true)]
    [InlineData("5", "0805", true)]
    [InlineData("5", "0804", false)]
    [InlineData("5", "088580808010", true)]
    [InlineData("5", "0a020105", true)]
    [InlineData("-1", "08ffffffffffffffffff01", true)]
    [InlineData("true", "0802", true)]
    [InlineData("false", "0802", false)]
    public void A_denied_value_is_refused_in_whatever_way_it_is_written(string value, string hex, bool refused)
    {
        var set = Some.Set(("a", Rule($"denied_parameters = {{ \"#1\" = [{value}] }}")));

        Assert.Equal(refused ? DecisionOutcome.Deny : DecisionOutcome.Allow, Decide(set, Convert.FromHexString(hex), Proto).Outcome);
    }

    [Theory]
    [InlineData("application/proto", DecisionOutcome.Allow)]
    [InlineData("Application/Proto", DecisionOutcome.Allow)]
    [InlineData("application/json", DecisionOutcome.BadRequest)]
    [InlineData("application/proto; charset=utf-8", DecisionOutcome.UnsupportedMediaType)]
    [InlineData("application/x-protobuf", DecisionOutcome.UnsupportedMediaType)]
    [InlineData("application/connect+proto", DecisionOutcome.UnsupportedMediaType)]
    [InlineData("application/proto|application/proto", DecisionOutcome.UnsupportedMediaType)]
    [InlineData("application/proto, application/json", DecisionOutcome.UnsupportedMediaType)]
    [InlineData("", DecisionOutcome.UnsupportedMediaType)]
    public void Only_protobuf_is_read_as_such(string contentType, DecisionOutcome outcome)
    {
        Assert.Equal(outcome, Decide(Some.Set(("a", Rule("allowed_parameters = { \"#1\" = \"a\" }"))), [10, 1, 97], contentType).Outcome);
    }

    [Theory]
    [InlineData("00000000030a0161", DecisionOutcome.Allow)]
    [InlineData("00000000030a0162", DecisionOutcome.Deny)]
    // compressed, several, not whole
    [InlineData("01000000030a0161", DecisionOutcome.UnsupportedMediaType)]
    [InlineData("00000000030a016100000000030a0161", DecisionOutcome.UnsupportedMediaType)]
    [InlineData("00000000040a0161", DecisionOutcome.BadRequest)]
    [InlineData("02000000030a0161", DecisionOutcome.BadRequest)]
    [InlineData("0000", DecisionOutcome.BadRequest)]
    public void Of_grpc_one_uncompressed_message_is_read(string hex, DecisionOutcome outcome)
    {
        var set = Some.Set(("a", Rule("allowed_parameters = { \"#1\" = \"a\" }")));

        Assert.Equal(outcome, Decide(set, Convert.FromHexString(hex), "application/grpc").Outcome);
        Assert.Equal(outcome, Decide(set, Convert.FromHexString(hex), "application/grpc+proto").Outcome);
    }

    [Fact]
    public void JSON_needs_a_rule_of_its_own_and_a_JSON_rule_does_not_read_protobuf()
    {
        var proto = Rule("allowed_parameters = { \"#1\" = \"a\" }");
        var json = Rule("allowed_parameters = { \"projectId\" = \"a\" }");

        Assert.Equal(DecisionOutcome.UnsupportedMediaType, Json(Some.Set(("a", proto)), """{"projectId":"a"}""").Outcome);
        Assert.Equal(DecisionOutcome.UnsupportedMediaType, Decide(Some.Set(("a", json)), [10, 1, 97], Proto).Outcome);
        var both = Some.Set(("a", proto + json));
        Assert.Equal(DecisionOutcome.Allow, Json(both, """{"projectId":"a"}""").Outcome);
        Assert.Equal(DecisionOutcome.Allow, Decide(both, [10, 1, 97], Proto).Outcome);
        Assert.Equal(DecisionOutcome.Deny, Json(both, """{"projectId":"b"}""").Outcome);
        Assert.Equal(DecisionOutcome.Deny, Decide(both, [10, 1, 98], Proto).Outcome);
    }

    [Theory]
    [InlineData("""{"projectId":"a","project_id":"b"}""")]
    [InlineData("""{"project_id":"a","projectId":"a"}""")]
    [InlineData("""{"project_id":"b"}""")]
    [InlineData("""{"projectId":"a","x":{"fooBar":1,"foo_bar":2}}""")]
    [InlineData("""{"projectId":"a","x":[{"fooBar":1,"foo_bar":2}]}""")]
    public void JSON_beside_protobuf_rules_spells_each_name_in_one_way(string json)
    {
        var set = Some.Set(("a", Rule("allowed_parameters = { \"#1\" = \"a\" }")
            + Rule("allowed_parameters = { \"projectId\" = optional(\"a\"), \"*\" = [] }")));

        Assert.Equal(DecisionOutcome.BadRequest, Json(set, json).Outcome);
        Assert.Equal(DecisionOutcome.Allow, Json(set, """{"projectId":"a","x":{"fooBar":1}}""").Outcome);
    }

    [Theory]
    [InlineData("allowed_parameters = { \"#1\" = \"a\", \"name\" = \"b\" }", "`name` is a name beside numbers of fields in `allowed_parameters`")]
    [InlineData("allowed_parameters = { \"#0\" = \"a\" }", "`#0` is not the number of a field, expected `#1` to `#536870911` in `allowed_parameters`")]
    [InlineData("allowed_parameters = { \"#01\" = \"a\" }", "`#01` is not the number of a field, expected `#1` to `#536870911` in `allowed_parameters`")]
    [InlineData("allowed_parameters = { \"#536870912\" = \"a\" }",
        "`#536870912` is not the number of a field, expected `#1` to `#536870911` in `allowed_parameters`")]
    [InlineData("allowed_parameters = { \"#1\" = { \"name\" = \"a\" } }", "`name` is a name beside numbers of fields in `allowed_parameters`")]
    [InlineData("allowed_parameters = { \"name\" = [{ \"#1\" = \"a\" }] }", "`#1` is the number of a field, within names in `allowed_parameters`")]
    [InlineData("allowed_parameters = { \"#1\" = max_items(1) }",
        "`max_items(1)` doesn't say what the field's elements are, expected `list(CONSTRAINT, MIN, MAX)` with strings, numbers, bools or objects in "
            + "`allowed_parameters`")]
    [InlineData("allowed_parameters = { \"#1\" = list(any(), 1, 2) }",
        "`list([], 1, 2)` doesn't say what the field's elements are, expected `list(CONSTRAINT, MIN, MAX)` with strings, numbers, bools or objects in "
            + "`allowed_parameters`")]
    [InlineData("allowed_parameters = { \"#1\" = { \"#2\" = list([1, \"a\"], 1, 2) } }",
        "`list([1, \"a\"], 1, 2)` doesn't say what the field's elements are, expected `list(CONSTRAINT, MIN, MAX)` with strings, numbers, bools or objects in "
            + "`allowed_parameters`")]
    [InlineData("denied_parameters = { \"#1\" = [], \"name\" = [] }", "`name` is a name beside numbers of fields in `denied_parameters`")]
    [InlineData("allowed_parameters = { \"#1\" = \"a\" }\n  denied_parameters = { \"name\" = [] }",
        "`allowed_parameters` and `denied_parameters` mix names and numbers of fields")]
    [InlineData("allowed_parameters = { \"#1\" = \"a\" }\n  when = request.body.name == \"a\"",
        "`when` reads `request.body`, and the rule's parameters are numbers of protobuf fields")]
    public void Numbers_and_names_do_not_mix(string attributes, string summary)
    {
        var diagnostic = Assert.Single(Some.Compile(("a", Rule(attributes))).Diagnostics, one => one.Severity == DiagnosticSeverity.Error);

        Assert.Equal(("bad-field-number", summary), (diagnostic.Code, diagnostic.Summary));
    }

    [Fact]
    public void The_query_s_names_are_names_whatever_they_look_like()
    {
        Assert.DoesNotContain(Some.Compile(("a", Rule("allowed_parameters = { \"?\" = { \"#1\" = \"a\", \"b\" = \"c\" }, \"name\" = \"x\" }"))).Diagnostics,
            one => one.Severity == DiagnosticSeverity.Error);
    }

    [Fact]
    public void Whatever_the_bytes_the_reader_ends_and_finds_what_was_written()
    {
        var random = new Random(7);
        var set = Some.Set(("a", Rule("allowed_parameters = { \"#1\" = [\"a\", { \"#2\" = { \"#3\" = range(1, 9) } }], \"#4\" = optional(true), \"#7\" = "
            + "optional(list(max(9), 0, 4)), \"*\" = [] }")));
        var grants = set.MatchRoles(Some.Token());
        // plain, nested, several fields, fixed, packed; a group, a field within it, needlessly long varints, unknown types
        var seeds = new[]
        {
            "0a0161", "0a06120418051801", "0a0161200122026869", "0a01612d01000000310100000000000000", "0a01613a03010203", "0a01613b3c", "0a01613b08013c",
            "0a0161288000", "0a81006128ff01", "0a0161368001", "0a01612f",
        };
        var outcomes = new HashSet<DecisionOutcome>();
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = Convert.FromHexString(seeds[i % seeds.Length]).ToList();
            for (var change = random.Next(4); change >= 0; change--)
            {
                var place = random.Next(bytes.Count + 1);
                if (random.Next(3) == 0 && place < bytes.Count) bytes.RemoveAt(place);
                else if (random.Next(2) == 0 || place == bytes.Count) bytes.Insert(place, (byte)random.Next(256));
                else bytes[place] = (byte)random.Next(256);
            }
            var decision = Decide(grants, [.. bytes], Proto);
            outcomes.Add(decision.Outcome);
            // never permitted without a first field that is one of those that the rule names
            if (decision.Outcome == DecisionOutcome.Allow && bytes.Count > 0)
                Assert.All(Reference(bytes), field => Assert.True(field.Number != 1 || field.Text == "a", Convert.ToHexString([.. bytes])));
        }
        Assert.Equal([DecisionOutcome.Deny, DecisionOutcome.Allow, DecisionOutcome.BadRequest], outcomes.Order());
    }

    [Theory]
    [InlineData(RequestBody.MaxDepth, DecisionOutcome.Allow)]
    [InlineData(RequestBody.MaxDepth + 1, DecisionOutcome.BadRequest)]
    public void Messages_within_messages_end_at_a_depth(int levels, DecisionOutcome outcome)
    {
        var (rule, message) = ("\"a\"", new byte[] { 10, 1, 97 });
        for (var i = 1; i < levels; i++) (rule, message) = ($"{{ \"#1\" = {rule} }}", [10, .. Length(message.Length), .. message]);

        Assert.Equal(outcome, Decide(Some.Set(("a", Rule($"allowed_parameters = {{ \"#1\" = {rule} }}"))), message, Proto).Outcome);

        static byte[] Length(int length) => length < 0x80 ? [(byte)length] : [(byte)(length | 0x80), (byte)(length >> 7)];
    }

    [Fact]
    public void A_body_of_many_fields_is_bounded_by_the_steps_of_a_decision()
    {
        var body = Enumerable.Repeat<byte[]>([10, 1, 97], StepBudget.Steps + 1).SelectMany(field => field).ToArray();

        var decision = Decide(Some.Set(("a", Rule("allowed_parameters = { \"#1\" = \"a\" }"))), body, Proto);

        Assert.Equal(DecisionOutcome.Deny, decision.Outcome);
        Assert.Contains("takes more than", decision.Reason);
    }

    [Fact]
    public void A_test_of_a_policy_writes_a_message_with_the_numbers_of_its_fields()
    {
        const string Test = """
            test "a" {
              token   = { sub = "actx:{actx}:role:r" }
              request = { method = "POST", path = "/p", body = { "#1" = "a", "#2" = [{ "#3" = 7, "#4" = true }, { "#3" = 300 }] } }
              expect  = "allow"
            }
            test "b" {
              token   = { sub = "actx:{actx}:role:r" }
              request = { method = "POST", path = "/p", body = { "#1" = "b" } }
              expect  = "deny"
              reason  = "parameter `#1`"
            }
            """;
        const string Role = """
            role "r" {
              aud      = "api://DigitalOcean?actx={actx}"
              sub      = "actx:{actx}:role:r"
              policies = ["a"]
            }
            """;
        var result = PolicyCompiler.Compile([Some.File("policies/a.hcl", Rule("allowed_parameters = { \"#1\" = \"a\", \"#2\" = [{ \"#3\" = max(300), \"#4\" = "
            + "optional(true) }] }")), Some.File("roles/r.hcl", Role), Some.File("tests/a.hcl", Test)], Some.Options);

        Assert.DoesNotContain(result.Diagnostics, one => one.Severity == DiagnosticSeverity.Error);
        Assert.All(PolicyTestRunner.Run(result.Set!, Some.Now).Results, test => Assert.True(test.Passed, test.Reason));
    }

    private static string Rule(string attributes) => $$"""
        path "/p" {
          capabilities = ["create"]
          {{attributes}}
        }

        """;

    private static Decision Decide(string allowed, string hex) =>
        Decide(Some.Set(("a", Rule($"allowed_parameters = {allowed}"))), Convert.FromHexString(hex), Proto);

    private static Decision Decide(PolicySet set, byte[] body, string contentType) => Decide(set.MatchRoles(Some.Token()), body, contentType);

    private static Decision Decide(Grants grants, byte[] body, string contentType)
    {
        var request = new AccessRequest { Method = "POST", Target = Some.Target("/p"), Now = Some.Now };
        Assert.Equal(DecisionOutcome.BodyNeeded, grants.Decide(request).Outcome);
        if (!RequestBody.TryParse(body, contentType.Length == 0 ? [] : contentType.Split('|'), null, out var read, out var problem, out var error))
            return new Decision(problem == RequestBody.Problem.Malformed ? DecisionOutcome.BadRequest : DecisionOutcome.UnsupportedMediaType, null, null,
                error!, null);
        return grants.Decide(request with { Body = read });
    }

    private static Decision Json(PolicySet set, string json) => Decide(set, Encoding.UTF8.GetBytes(json), "application/json");

    /// <summary>A second reader, as plain as can be, for messages that the first has permitted.</summary>
    private static List<(int Number, string? Text)> Reference(List<byte> bytes)
    {
        var fields = new List<(int, string?)>();
        var at = 0;
        while (at < bytes.Count)
        {
            var tag = Varint();
            Assert.True((tag & 7) is 0 or 1 or 2 or 5 && tag >> 3 is > 0 and < 1 << 29,
                $"{Convert.ToHexString([.. bytes])} holds a group, an unknown type or a number that no field has");
            var (number, text) = ((int)(tag >> 3), (string?)null);
            if ((tag & 7) == 0) Varint();
            else if ((tag & 7) == 1) at += 8;
            else if ((tag & 7) == 5) at += 4;
            else
            {
                var length = (int)Varint();
                text = Encoding.UTF8.GetString([.. bytes.Skip(at).Take(length)]);
                at += length;
                // a message: the other alternative of the rule, which refuses of itself
                if (text.StartsWith('\u0012') && number == 1) text = "a";
            }
            fields.Add((number, text));
        }
        return fields;

        ulong Varint()
        {
            var value = 0ul;
            for (var shift = 0; ; shift += 7)
            {
                value |= (ulong)(bytes[at] & 0x7f) << shift;
                Assert.True(shift == 0 || bytes[at] != 0, $"{Convert.ToHexString([.. bytes])} holds a varint that is longer than it need be");
                if (bytes[at++] < 0x80) return value;
            }
        }
    }
}
