import { errorText } from "../error.ts";
import { subscribe } from "../events.ts";

/** Tells in words what the mesh does during a call, until it is disposed of. */
export function tellEvents(tell: (line: string) => void): Disposable {
  const ends = [
    subscribe("channel.fallback", ({ wanted, used }) => {
      tell(`no instance offers the channel ${wanted}; ${used} is used\n`);
    }),
    subscribe("peer.lost", ({ instance, error }) => {
      tell(`${instance.id} cannot be reached: ${errorText(error)}\n`);
    }),
    subscribe("call.retry", ({ error }) => {
      tell(`the call is made again: ${errorText(error)}\n`);
    }),
  ];
  return {
    [Symbol.dispose]: () => {
      for (const end of ends) end();
    },
  };
}
