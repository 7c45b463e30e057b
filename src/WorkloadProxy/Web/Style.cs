namespace WorkloadProxy.Web;

/// <summary>The one style sheet. Text keeps a contrast of 4.5:1 in light and in dark.</summary>
internal static class Style
{
    public const string Text = """

        :root {
          color-scheme: light dark;
          --back: #f6f7f9; --card: #ffffff; --line: #d9dee5; --text: #1b2430; --soft: #56616f; --link: #0b5cad; --button: #0b5cad; --on-button: #ffffff;
            --code: #f0f2f5;
          --good: #17663a; --good-back: #e3f4ea; --warn: #7a4b00; --warn-back: #fdf1d8; --bad: #a1261d; --bad-back: #fce8e6;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --back: #11151a; --card: #1a2028; --line: #323b47; --text: #e6eaf0; --soft: #a3aebc; --link: #7db8f5; --button: #2673c4; --on-button: #ffffff;
              --code: #11161c;
            --good: #7ed6a2; --good-back: #15301f; --warn: #f0c674; --warn-back: #33280f; --bad: #f5998f; --bad-back: #391a17;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--back); color: var(--text);
          font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
        header, main, footer { max-width: 48rem; margin: 0 auto; padding: 0 1.25rem; }
        header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between; padding-top: 1.25rem;
          padding-bottom: 1.25rem; }
        .brand { font-weight: 700; font-size: 1.1rem; color: var(--text); text-decoration: none; }
        .who { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: center; color: var(--soft); overflow-wrap: anywhere; }
        h1 { font-size: 1.9rem; line-height: 1.25; margin: 1rem 0 .5rem; letter-spacing: -.01em; }
        h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
        p { margin: .5rem 0; overflow-wrap: anywhere; } .lead { font-size: 1.1rem; color: var(--soft); max-width: 40rem; }
        a { color: var(--link); }
        section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.1rem 1.25rem; margin: 1.1rem 0; }
        .cards { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); margin: 1.1rem 0; }
        .cards section { margin: 0; }
        dl { margin: .6rem 0 0; display: grid; grid-template-columns: max-content 1fr; gap: .15rem .9rem; } dt { color: var(--soft); }
        dd { margin: 0; overflow-wrap: anywhere; }
        ol, ul { padding-left: 1.25rem; margin: .5rem 0; } li { margin: .35rem 0; }
        code, pre { font: .875rem/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
        code { background: var(--code); border-radius: .3rem; padding: .1rem .3rem; overflow-wrap: anywhere; }
        pre { background: var(--code); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem .9rem; margin: .6rem 0; overflow-x: auto;
          white-space: pre; } pre code { padding: 0; background: none; overflow-wrap: normal; }
        pre.wrap { white-space: pre-wrap; } pre.wrap code { overflow-wrap: anywhere; }
        .state { display: inline-block; border-radius: 1rem; padding: .05rem .65rem; font-size: .875rem; font-weight: 600; }
        .good { color: var(--good); background: var(--good-back); } .warn { color: var(--warn); background: var(--warn-back); }
        .bad { color: var(--bad); background: var(--bad-back); }
        .notice { border-left: .3rem solid currentColor; border-radius: .4rem; padding: .7rem 1rem; margin: 1rem 0; } .notice p { margin: 0; }
        .button, button { display: inline-block; font: inherit; font-weight: 600; border-radius: .5rem; border: 1px solid transparent; padding: .55rem 1.1rem;
          min-height: 2.75rem; cursor: pointer; text-decoration: none; background: var(--button); color: var(--on-button); }
        button.quiet { background: none; color: var(--link); border-color: var(--line); }
        button.danger { background: none; color: var(--bad); border-color: currentColor; }
        .button:hover, button:hover { filter: brightness(1.08); }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        form { display: inline; margin: 0; } details { margin-top: .9rem; } summary { cursor: pointer; color: var(--link); }
        details form button { margin-top: .4rem; }
        input { font: inherit; width: 100%; max-width: 26rem; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--soft); border-radius: .5rem;
          background: var(--back); color: var(--text); }
        .skip { position: absolute; left: -999rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; }
        footer { color: var(--soft); font-size: .875rem; padding-top: .5rem; padding-bottom: 2rem; }
        @media (max-width: 30rem) {
          h1 { font-size: 1.55rem; } dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; } section { padding: 1rem; }
        }
        @media print { header form, details, .skip { display: none; } }

        """;
}
