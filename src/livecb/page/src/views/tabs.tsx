interface Props<Name extends string> {
  names: readonly Name[];
  chosen: Name;
  choose(name: Name): void;
}

/** A list of tabs as assistive technology knows it: arrows move, one stop for Tab. */
export function Tabs<Name extends string>({ names, chosen, choose }: Props<Name>) {
  const move = (event: KeyboardEvent): void => {
    const at = names.indexOf(chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = names[(to + names.length) % names.length] as Name;
    choose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="seg tabs" role="tablist" aria-label="Views of this run" onKeyDown={move}>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={name === chosen}
          aria-controls={name === chosen ? `panel-${name}` : undefined}
          tabIndex={name === chosen ? 0 : -1}
          class={name === chosen ? "on" : ""}
          onClick={() => choose(name)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
