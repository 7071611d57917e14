import type { Link } from "../../client/link";

type Refusal = Extract<Link, { kind: "refused" }>;

/** Where the page may not, or cannot, show what its address names: why, and what to do next. */
export function Refused({ link, base, of }: { link: Refusal; base: string; of: "run" | "runs" }) {
  return (
    <main class="lone" id="main">
      <h1>{link.title}</h1>
      <p>{sentence(link.detail)}</p>
      {link.status === 401 && <Door />}
      {link.status === 403 && <p>Who gave you the address can make one that shows this, too: <code class="mono">livecb token --help</code> tells how.</p>}
      {link.status === 404 && <p>It may be deleted, or its name mistyped. What is deleted stays in the trash for 30 days, from where its owner can bring it back; then it shows here by itself.</p>}
      {of === "run" && link.status !== 401 && <p><a class="small" href={base}>All runs</a></p>}
    </main>
  );
}

/** What lets a browser in: the address that a terminal printed, or the token in it. */
function Door() {
  return (
    <>
      <p>Open the whole address that the training, or <code class="mono">livecb view</code>, printed: its token lets this browser in. Or paste the token:</p>
      <form class="door" method="get" action="">
        <label class="sr" for="token">Token</label>
        <input class="find" id="token" name="token" type="password" autocomplete="off" required spellcheck={false} placeholder="token" />
        <button class="small">Go in</button>
      </form>
    </>
  );
}

function sentence(words: string): string {
  const said = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(said) ? said : `${said}.`;
}
