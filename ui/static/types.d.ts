/** The shapes of the data that ui/view.py and ui/file.py write into the page. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Kind = "agent" | "model" | "tool" | "retrieval" | "embedding" | "guardrail" | "step";
export type Status = "OK" | "UNSET" | "ERROR" | "UNFINISHED";

export interface Coded<Ids> {
  dict: any[];
  ids: Ids[];
}

export interface RawTraces {
  count: number;
  id: string[];
  input: string[];
  start_ms: number[];
  duration_us: (number | null)[];
  cost_usd: (number | null)[];
  gone: number[];
  input_tokens: (number | null)[];
  output_tokens: (number | null)[];
  span_count: number[];
  error_count: number[];
  score: (number | null)[];
  chunk: number[];
  name: Coded<number>;
  status: Coded<number>;
  model: Coded<number>;
  error_type: Coded<number>;
  session: Coded<number>;
  user: Coded<number>;
  run: Coded<number>;
  experiment: Coded<number>;
  tags: Coded<number[]>;
}

export interface ReportFacts {
  title: string;
  version: string;
  created_ms: number;
  traces_stored: number;
  filter: string | null;
  source: string;
  notes: string[];
}

export interface RunRow {
  id: string;
  name: string;
  experiment: string;
  status: string;
  start_ms: number;
  end_ms: number | null;
  parent: string | null;
  user: string | null;
  params: Record<string, string>;
  metrics: Record<string, number | string>;
  tags: Record<string, string>;
  chunk: number;
}

export interface Curve {
  points: number;
  steps: number[];
  values: (number | string)[];
  ms: number[];
}

export interface RunView {
  id: string;
  source: Json;
  artifact_uri: string | null;
  curves: Record<string, Curve>;
  artifacts: { path: string; is_dir: boolean; bytes: number | null; type: string | null }[];
}

export interface Index {
  format: number;
  report: ReportFacts;
  traces: RawTraces;
  runs: RunRow[];
  blobs: Record<string, { type: string; bytes: number }>;
}

export interface Span {
  id: string;
  name: string;
  kind: Kind;
  status: Status;
  /** Since the start of the trace. */
  at_ns: number;
  duration_ns: number | null;
  parent?: string;
  operation?: string;
  type?: string;
  message?: string;
  error?: string;
  /** One billed call of a model; what wraps it in a framework is not counted again. */
  billed?: boolean;
  gone?: boolean;
  incomplete?: boolean;
  provider?: string;
  model?: string;
  response_model?: string;
  response_id?: string;
  finish?: string[];
  input_tokens?: number;
  output_tokens?: number;
  cache_read_tokens?: number;
  cache_write_tokens?: number;
  reasoning_tokens?: number;
  cost_usd?: number;
  cost_source?: string;
  first_token_ns?: number;
  tool?: string;
  agent?: string;
  prompt?: string;
  prompt_version?: string;
  call?: string;
  retries?: number;
  scope?: string;
  service?: string;
  host?: string;
  pid?: number;
}

export interface Part {
  type: string;
  content?: any;
  id?: string | null;
  name?: string;
  arguments?: Json;
  response?: Json;
  result?: Json;
  mime_type?: string;
  modality?: string;
  sha256?: string;
  bytes?: number;
  uri?: string;
  file_id?: string;
  [key: string]: any;
}

export interface Message {
  role: string;
  parts: Part[];
  name?: string | null;
  finish_reason?: string;
}

export interface SpanEvent {
  name: string;
  at_ns: number;
  attributes?: Record<string, Json>;
}

export interface Content {
  input?: Json;
  output?: Json;
  input_messages?: Json;
  output_messages?: Json;
  system?: Json;
  tools?: Json;
  attributes?: Record<string, Json>;
  events?: SpanEvent[];
  links?: { trace_id: string; span_id: string; attributes: Record<string, Json> }[];
}

export interface Assessment {
  name: string;
  kind: "feedback" | "expectation";
  value: Json;
  score: number | null;
  label: string | null;
  rationale: string | null;
  error: string | null;
  source: string;
  source_id: string | null;
  span: string | null;
  at_ms: number;
}

export interface Trace {
  id: string;
  status: Status;
  start_ms: number;
  tags: Record<string, string>;
  metadata: Record<string, string>;
  assessments: Assessment[];
  spans: Span[];
  /** Of each span; absent where the trace is so large that they lie in blocks of their own. */
  contents?: Content[];
  /** Number of the first span and number of the block. */
  parts?: [number, number][];
}
