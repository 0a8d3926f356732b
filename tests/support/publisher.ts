import { type JsonEvent, JsonPeer } from "./chat_peer.ts";

/** The acknowledgements of a publisher, over all its connections. */
export interface Acknowledged {
  /** The place of each message by its id. */
  readonly seqOfId: Map<string, number>;
  /** Those sent and not acknowledged yet, in order. */
  readonly open: Set<string>;
}

/**
 * Publishes to a room, 16 at a time, until the server is gone; what was open
 * before is sent again first, under the same ids.
 */
export async function publishUntilGone(
  endpoint: string,
  room: string,
  name: string,
  acknowledged: Acknowledged,
  onAck: () => void,
): Promise<void> {
  const { seqOfId, open } = acknowledged;
  try {
    using peer = await JsonPeer.enter(endpoint);
    await peer.send({ type: "join", room });
    await peer.until("joined");
    const send = (ids: readonly string[]) =>
      peer.send(...ids.map((id) => ({ type: "publish", room, id, text: `text of ${id}` })));
    if (open.size > 0) await send([...open]);
    for (;;) {
      const ids: string[] = [];
      while (open.size < 16) {
        const id = `${name}-${seqOfId.size + open.size}`;
        open.add(id);
        ids.push(id);
      }
      if (ids.length > 0) await send(ids);
      const ack = await peer.until("ack");
      const id = String(ack.id);
      const known = seqOfId.get(id);
      if (known !== undefined && known !== ack.seq) {
        throw new TypeError(`${id} was stored at ${known} and at ${ack.seq}`);
      }
      seqOfId.set(id, Number(ack.seq));
      open.delete(id);
      onAck();
    }
  } catch (error) {
    // Gone, which is what is being waited for; anything else is a finding.
    if (error instanceof TypeError || error instanceof SyntaxError) throw error;
  }
}

/** Everything a room holds, in order. */
export async function readRoom(endpoint: string, room: string): Promise<JsonEvent[]> {
  using peer = await JsonPeer.enter(endpoint);
  await peer.send({ type: "join", room });
  const { epoch, seq } = await peer.until("joined");
  await peer.send({ type: "leave", room }, { type: "join", room, epoch, seq: 0 });
  await peer.until("left");
  await peer.until("joined");
  const messages: JsonEvent[] = [];
  while (messages.length < Number(seq)) messages.push(await peer.until("message"));
  return messages;
}
