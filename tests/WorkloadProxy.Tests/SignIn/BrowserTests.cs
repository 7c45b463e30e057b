using Microsoft.Playwright;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.SignIn;

/// <summary>The same pages in a real browser: Debian's Chromium, without a script of ours, in light and dark, on a desk and on a phone.</summary>
public sealed class BrowserTests
{
    private const string Chromium = "/usr/bin/chromium";
    private const float Patience = 120_000;
    private static readonly BrowserTypeLaunchOptions launch = new()
    {
        ExecutablePath = Chromium, Headless = true, Timeout = Patience, Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    };

    [Fact]
    public async Task A_person_clicks_through_signing_in_and_disconnecting()
    {
        Assert.SkipUnless(File.Exists(Chromium), "needs Chromium: apt-get install chromium");
        await using var test = await SignInTest.StartAsync();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(launch);
        await using var context = await browser.NewContextAsync(new() { JavaScriptEnabled = false, ViewportSize = new() { Width = 1100, Height = 900 } });
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout(Patience);
        var complaints = new List<string>();
        page.Console += (_, message) => complaints.Add(message.Text);

        await page.GotoAsync(test.Proxy.Options.PublicUrl);
        await ShowAsync(page, "landing");
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with DigitalOcean" }).ClickAsync();
        var authorize = page.GetByRole(AriaRole.Button, new() { Name = "Authorize application" });
        await authorize.WaitForAsync();
        await ShowAsync(page, "consent");
        await authorize.ClickAsync();

        await Expects(page, "Your team is connected.");
        Assert.Equal($"{test.Proxy.Options.PublicUrl}/", page.Url);
        Assert.True(await page.GetByText(TestProxy.Team).First.IsVisibleAsync());
        await ShowAsync(page, "home");

        // what a screen reader is told
        var told = await page.Locator("body").AriaSnapshotAsync();
        foreach (var part in new[] { "banner:", "main:", "status:", "heading \"Your team\" [level=1]", "region \"Credential connected\"",
            "region \"Policy permits nothing yet\"", "contentinfo:" })
            Assert.Contains(part, told);

        // by keyboard alone
        await page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to content", await page.EvaluateAsync<string>("document.activeElement.textContent"));
        await page.GetByText("Disconnect…", new() { Exact = true }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        var button = page.GetByRole(AriaRole.Button, new() { Name = "Disconnect this team" });
        await button.WaitForAsync();
        await ShowAsync(page, "disconnect");
        await button.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expects(page, "Your team is disconnected");
        Assert.Equal(0, test.OAuth.LiveTokens);
        await ShowAsync(page, "disconnected");

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expects(page, "Sign in with DigitalOcean");
        Assert.Equal([], complaints);
    }

    [Fact]
    public async Task A_refused_team_reads_why()
    {
        Assert.SkipUnless(File.Exists(Chromium), "needs Chromium: apt-get install chromium");
        await using var test = await SignInTest.StartAsync(oauth => oauth with { Teams = [] });
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(launch);
        var page = await browser.NewPageAsync();
        page.SetDefaultTimeout(Patience);

        await page.GotoAsync(test.Proxy.Options.PublicUrl + SignInTest.Login);
        await page.GetByRole(AriaRole.Button, new() { Name = "Authorize application" }).ClickAsync();

        await Expects(page, "This team may not sign in here");
        await ShowAsync(page, "refused");
    }

    [Fact]
    public async Task Who_says_no_reads_that_nothing_has_changed_and_can_start_again()
    {
        Assert.SkipUnless(File.Exists(Chromium), "needs Chromium: apt-get install chromium");
        await using var test = await SignInTest.StartAsync();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(launch);
        var page = await browser.NewPageAsync();
        page.SetDefaultTimeout(Patience);

        await page.GotoAsync(test.Proxy.Options.PublicUrl + SignInTest.Login);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();

        await Expects(page, "Access was not granted; nothing has changed.");
        await ShowAsync(page, "declined");
        // the address leads nowhere a second time
        await page.ReloadAsync();
        await Expects(page, "This sign-in was not started in this browser");
        await page.GetByRole(AriaRole.Link, new() { Name = "Start again" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Authorize application" }).ClickAsync();
        await Expects(page, "Your team is connected.");
    }

    private static Task Expects(IPage page, string text) => page.GetByText(text).First.WaitForAsync();

    /// <summary>Nothing is wider than the window, in both colours and on a phone; the pictures are kept where SCREENSHOTS says.</summary>
    private static async Task ShowAsync(IPage page, string name)
    {
        var folder = Environment.GetEnvironmentVariable("SCREENSHOTS");
        foreach (var (width, scheme) in new[] { (1100, ColorScheme.Light), (1100, ColorScheme.Dark), (360, ColorScheme.Light), (360, ColorScheme.Dark) })
        {
            await page.SetViewportSizeAsync(width, 900);
            await page.EmulateMediaAsync(new() { ColorScheme = scheme });
            if (folder is not null) await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{width}-{scheme}.png"), FullPage = true });
            Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width, $"{name} is wider than {width}");
        }
        await page.SetViewportSizeAsync(1100, 900);
    }
}
