// Global types of the explorer's pages: elements as h() makes them, records that have no API of
// their own, and the parts of plotly.js that the pages call.

type TagOf<Selector extends string> = Selector extends `${infer Tag}.${string}` ? Tag : Selector;

/** The element that h("tag.class") makes. */
type ElementOf<Selector extends string> =
  TagOf<Selector> extends keyof HTMLElementTagNameMap
    ? HTMLElementTagNameMap[TagOf<Selector>]
    : HTMLElement;

type Child = Node | string | number | null | undefined | readonly Child[];

type Listeners<E> = {
  [Name in keyof HTMLElementEventMap]?: (
    event: HTMLElementEventMap[Name] & { currentTarget: E },
  ) => unknown;
};

type AttributeValue = string | number | boolean | null | undefined;
type AttributeName =
  | "accept"
  | "alt"
  | "checked"
  | "controls"
  | "dir"
  | "disabled"
  | "download"
  | "hidden"
  | "href"
  | "id"
  | "maxlength"
  | "multiple"
  | "name"
  | "placeholder"
  | "preload"
  | "role"
  | "rows"
  | "scope"
  | "selected"
  | "spellcheck"
  | "src"
  | "step"
  | "tabindex"
  | "target"
  | "title"
  | "type"
  | "value"
  | `aria-${string}`;

/** Attributes of h(): false and null leave one out, functions listen to the event of that name. */
type Attributes<E> = Listeners<E> & { [Name in AttributeName]?: AttributeValue };

/** A feature in as far as a name or a colour needs it. */
type NamedFeature = Pick<Api.FeatureLine, "feature" | "label" | "words"> &
  Partial<Pick<Api.FeatureLine, "name" | "named_by">>;
type FeaturePart = Api.FeatureLine["part"];
type Hue = "high" | "low" | "plain";

/** A timeline's data, with the number of rows that were asked for. */
type TimelineData = Omit<Api.Timeline, "dictionary" | "sequence">;

/** A sequence's text; in a report it is a passage, whose first step is `origin`. */
type TimelineText = Api.DocumentText & { origin?: number };

/** A word over the timeline: steps `from` to `to`; `long` counts the long words before it. */
type WordLabel = { text: string; from: number; to: number; long?: number };

type Timeline = import("../../sparsetime/explorer/web/timeline.js").Timeline;
type Chart = import("../../sparsetime/explorer/web/timeline_canvas.js").TimelineCanvas;

/** What the page reads of the manifests; see sparsetime/explorer/manifests.py. */
type ViewManifest = {
  name: string;
  title: string;
  path: string;
  key: string;
  navigation: boolean;
  needs_dictionary: boolean;
  moved_from: string[];
  unfiltered: string;
};
type LaneManifest = { name: string; place: "input" | "above" | "strip" };
type PanelManifest = {
  name: string;
  place: "charts" | "wide" | "main" | "aside";
  silent_features: boolean;
};

/** Draws a run in an element, with the parameters of the path; may return what stops it. */
type View = (
  at: HTMLElement,
  run: Api.Overview,
  parameters: Record<string, string>,
) => Promise<(() => void) | null | undefined>;
type ViewModule = { default: View; preview?: (at: HTMLElement) => Promise<unknown> };

/** What draws on the time axis; see sparsetime/explorer/web/lanes.js. */
interface Lane {
  reads?: boolean;
  packed?: boolean;
  channels?: number;
  looks?: [value: string, label: string][];
  drawnAs?(input: Api.InputView, look?: string): string;
  fits(input: Api.InputView, text: Api.DocumentText | null): boolean;
  height(input: Api.InputView, look?: string, timeline?: Timeline): number;
  draw(chart: Chart, timeline: Timeline): void;
  load?(timeline: Timeline): Promise<unknown>;
  describe?(timeline: Timeline, step: number, y?: number): string;
  example?(example: Api.Moment, hue: Hue): Node;
  exampleNote?(example: Api.Moment): string;
}
type Strip = { element: HTMLElement; load(): Promise<unknown>; draw(): void };
type StripLane = { strip(timeline: Timeline): Strip };

/** The feature of a page, as its panels get it; `answer` reads what is below its address. */
type PanelPage = {
  key: string;
  number: number;
  feature: Api.FeatureView;
  view: Api.DictionaryView;
  run: Api.Overview;
  unit: string;
  hue: Hue;
  answer<Name extends string>(
    name: Name,
  ): Promise<Api.Answer<`dictionaries/${string}/features/${string}/${Name}`>>;
};
type PanelModule = {
  default: (page: PanelPage) => Node | null | Promise<Node | null>;
  place?: (page: PanelPage) => PanelManifest["place"];
};

interface WindowEventMap {
  themechange: Event;
}

interface Window {
  Plotly: { react(place: HTMLElement, traces: object[], layout: object, options: object): void };
}

/** Globals of a module that runs in the audio thread. */
declare class AudioWorkletProcessor {
  port: MessagePort;
}
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;
