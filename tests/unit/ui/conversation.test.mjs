import assert from "node:assert/strict";
import test from "node:test";
import { answersOf, callBefore, conversationOf, historyOf, messagesOf } from "../../../ui/static/conversation.js";

const said = (role, content) => ({ role, parts: [{ type: "text", content }] });
const call = (id, name) => ({ type: "tool_call", id, name, arguments: {} });
const answer = (id, response) => ({ role: "tool", parts: [{ type: "tool_call_response", id, response }] });
const model = { kind: "model", at_ns: 0, duration_ns: 0 };

const first = { input_messages: [said("system", "s"), said("user", "u")], output_messages: [{ role: "assistant", parts: [{ type: "reasoning", content: "hm" }, call("1", "look")] }] };
const second = { input_messages: [said("system", "s"), said("user", "u"), { role: "assistant", parts: [call("1", "look")] }, answer("1", { ok: 1 })], output_messages: [said("assistant", "done")] };

test("only what the call before had not is new; reasoning that was dropped does not count", () => {
  const talk = conversationOf(second, first);
  assert.equal(talk.before.length, 3);
  assert.deepEqual(talk.fresh.map((message) => message.role), ["tool"]);
  assert.equal(talk.changed, false);
});

test("a message that was changed meanwhile is said to be", () => {
  const edited = { input_messages: [said("system", "s"), said("user", "shortened"), said("user", "more")] };
  const talk = conversationOf(edited, { input_messages: [said("system", "s"), said("user", "u")] });
  assert.equal(talk.changed, true);
  assert.equal(talk.fresh.length, 2);
});

test("a call continues the earlier call with which it shares most", () => {
  const contents = [first, { input_messages: [said("system", "s"), said("user", "other")] }, second];
  assert.equal(callBefore(2, [model, model, model], (i) => contents[i]), 0);
  assert.equal(callBefore(1, [model, model, model], (i) => contents[i]), -1);
});

test("a tool call finds its answer in a later message, and its span", () => {
  const spans = [model, { kind: "tool", name: "look", tool: "look" }, model];
  const contents = [first, { output: { ok: 1 } }, second];
  assert.deepEqual(answersOf(spans, (i) => contents[i]).get("1"), { value: { ok: 1 }, span: 1 });
});

test("an answer that no message holds is what the tool's span gave back", () => {
  const spans = [model, { kind: "tool", name: "t", call: "1" }];
  assert.deepEqual(answersOf(spans, (i) => [first, { output: "found" }][i]).get("1"), { value: "found", span: 1 });
});

test("a call that nobody answered has no answer", () => {
  assert.equal(answersOf([model], () => first).has("1"), false);
});

test("messages in a provider's own form, and nonsense, are read as far as they go", () => {
  assert.deepEqual(messagesOf([{ role: "user", content: "hi" }])[0].parts, [{ type: "text", content: "hi" }]);
  assert.deepEqual(messagesOf([{ role: 7, parts: ["x", { type: null }] }])[0].parts.map((part) => part.type), ["text", "unknown"]);
  assert.deepEqual(messagesOf("text"), []);
  assert.deepEqual(messagesOf([null, 3, "x"]), []);
});

test("what wraps a call in a framework is not the call before it", () => {
  const spans = [{ kind: "model", at_ns: 0, duration_ns: 90 }, { kind: "model", at_ns: 5, duration_ns: 80 }];
  assert.equal(callBefore(1, spans, () => first), -1);
});

test("a call that continues another by its id has that one's messages before its own", () => {
  const spans = [{ ...model, response_id: "r1" }, { ...model, response_id: "r2" }, model];
  const contents = [
    { input_messages: [said("user", "u")], output_messages: [{ role: "assistant", parts: [call("1", "look")] }] },
    { input_messages: [answer("1", 1)], output_messages: [said("assistant", "a")], attributes: { "gen_ai.request.previous_response.id": "r1" } },
    { input_messages: [said("user", "more")], attributes: { "gen_ai.request.previous_response.id": "r2" } },
  ];
  const history = historyOf(2, spans, (i) => contents[i]);
  assert.deepEqual(history.map((message) => message.role), ["user", "assistant", "tool", "assistant"]);
  const talk = conversationOf(contents[2], null, history);
  assert.deepEqual([talk.before.length, talk.fresh.length], [4, 1]);
});
