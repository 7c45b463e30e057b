using Microsoft.Playwright;

namespace WorkloadProxy.Tests.SignIn.AtProto;

/// <summary>The accounts' pages in a real browser, which has a policy of its own on where forms lead.</summary>
public sealed class BrowserTests
{
    private const string Chromium = "/usr/bin/chromium";
    private const float Patience = 120_000;

    [Fact]
    public async Task A_person_types_a_handle_signs_in_gets_a_token_for_git_and_disconnects()
    {
        Assert.SkipUnless(File.Exists(Chromium), "needs Chromium: apt-get install chromium");
        await using var test = await AccountTest.StartAsync(development: true);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Chromium, Headless = true, Timeout = Patience, Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        await using var context = await browser.NewContextAsync(new() { JavaScriptEnabled = false });
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout(Patience);
        var complaints = new List<string>();
        page.Console += (_, message) => complaints.Add(message.Text);

        await page.GotoAsync(test.Proxy.Options.PublicUrl);
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with an AT Protocol account" }).ClickAsync();
        await page.GetByLabel("Handle or DID").FillAsync("nobody.test");
        await page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
        await Expects(page, "Signing in failed");
        await page.GetByLabel("Handle or DID").FillAsync(test.Alice.Handle);
        await page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
        await page.GetByLabel("Password").FillAsync(test.Alice.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Authorize" }).ClickAsync();

        await Expects(page, "Your account is connected.");
        Assert.True(await page.GetByText(test.Alice.Did).First.IsVisibleAsync());
        await page.GetByRole(AriaRole.Button, new() { Name = "Show a token for Git" }).ClickAsync();
        await Expects(page, "A token for Git");
        await page.GetByRole(AriaRole.Link, new() { Name = "Back to your account" }).ClickAsync();
        await page.GetByText("Disconnect…", new() { Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Disconnect this account" }).ClickAsync();
        await Expects(page, "Your account is disconnected.");
        Assert.Empty(test.Server.OAuth.Sessions);
        // Chromium notes each answer that is an error
        Assert.Contains("422", Assert.Single(complaints));
    }

    private static Task Expects(IPage page, string text) => page.GetByText(text).First.WaitForAsync();
}
