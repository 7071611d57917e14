import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** So long nothing is said: most parts are here by then. */
const PATIENT_MS = 400;

/**
 * A component that is loaded when it is first shown: what the first glance does not need. `load` is a dynamic
 * `import()` of its module, from which `pick` takes it.
 */
export function lazy<Module, Props extends object>(load: () => Promise<Module>, pick: (module: Module) => ComponentType<Props>) {
  let loaded: ComponentType<Props> | null = null;
  return function Lazy(props: Props) {
    const [, redraw] = useState(0);
    const [trouble, setTrouble] = useState<"slow" | "failed" | null>(null);
    useEffect(() => {
      if (loaded) return undefined;
      const timer = setTimeout(() => setTrouble("slow"), PATIENT_MS);
      load().then(
        (module) => {
          loaded = pick(module);
          redraw((n) => n + 1);
        },
        () => setTrouble("failed"),
      ).finally(() => clearTimeout(timer));
      return () => clearTimeout(timer);
    }, []);
    const Loaded = loaded;
    if (Loaded) return <Loaded {...props} />;
    return trouble && <Absent failed={trouble === "failed"} />;
  };
}

// A server that was updated has no parts of the page as it was.
function Absent({ failed }: { failed: boolean }) {
  if (!failed) return <p class="empty card" role="status">Loading …</p>;
  return (
    <p class="empty card" role="alert">
      This part of the page did not load: the server is away, or was updated since the page was opened.{" "}
      <button type="button" class="small" onClick={() => location.reload()}>Load the page anew</button>
    </p>
  );
}
