// Types of the explorer's HTTP API. Written by tools/api_types.py from the server's OpenAPI
// description; do not edit. The gate fails where it is out of date.

declare namespace Api {
  interface AblationAnswer {
    predicted: Array<number>;
    measured: Array<number>;
  }

  interface AblationInput {
    nodes: Array<number>;
  }

  interface AlignedOnset {
    sequence: number;
    step: number;
    name: string;
    percent: Array<number>;
  }

  interface ArmView {
    name: string;
    dose: number;
    target: number;
    target_interval: [number, number] | null;
    shift: number;
    effect_size: number | null;
    rank: number | null;
    null_of: string;
    perplexity: number;
    off_target: number | null;
    texts: Array<string>;
  }

  interface AttentionEntry {
    name: string;
    model: string;
    steps: number;
    policies: Array<string>;
    note: string;
  }

  interface AttentionHead {
    module: string;
    layer: number;
    head: number;
    copying: number | null;
    distance: number;
    entropy: number;
    policies: Array<PolicyReads>;
  }

  interface AttentionLanes {
    first: number;
    stop: number;
    stride: number;
    most: number;
    levels: string;
  }

  interface AttentionMap {
    query_edges: Array<number>;
    key_edges: Array<number>;
    most: number;
    both: string;
    kept: string;
    second: string;
    missed: string;
    wasted: string;
    second_wasted: string;
  }

  interface AttentionMoment {
    step: number;
    reads: Array<WeightedStep>;
    readers: Array<WeightedStep>;
    rest: number;
  }

  interface AttentionView {
    entry: AttentionEntry;
    texts: Array<string>;
    heads: Array<AttentionHead>;
    sequence: number | null;
    dictionaries: Array<string>;
  }

  interface BaselineScores {
    name: string;
    precision: number | null;
    recall: number | null;
    auroc: number | null;
  }

  interface Body_set_label {
    name?: string;
    starred?: boolean;
  }

  interface CircuitEdge {
    source: number;
    target: number;
    weight: number;
    influence: number;
  }

  interface CircuitEntry {
    name: string;
    text: string;
    targets: Array<string>;
    note: string;
  }

  interface CircuitNode {
    id: number;
    kind: string;
    row: number;
    step: number;
    latent: number;
    value: number;
    label: string;
    influence: number;
    dictionary: string;
    predicted: Array<number>;
    measured: Array<number>;
  }

  interface CircuitView {
    entry: CircuitEntry;
    tokens: Array<string>;
    rows: Array<string>;
    nodes: Array<CircuitNode>;
    edges: Array<CircuitEdge>;
    of_nodes: number;
    of_edges: number;
    scores: Record<string, number>;
    rank_correlation: number | null;
    sign_agreement: number | null;
    lags: Array<number>;
  }

  interface CoactivationView {
    documents: number;
    most: number;
    lag: number;
    lag_time: number | null;
    together: Array<CoactiveFeature>;
    before: Array<CoactiveFeature>;
    after: Array<CoactiveFeature>;
    nearest: Array<CoactiveFeature>;
    elsewhere: Array<CoactiveFeature>;
  }

  interface CoactiveFeature {
    feature: number;
    part: "" | "first" | "rest";
    label: string;
    words: Array<string>;
    name: string;
    named_by: "person" | "label" | "explanation" | "rule" | "";
    dictionary: string;
    share: number;
    chance: number;
  }

  interface CompareView {
    left: string;
    right: string;
    threshold: number;
    shared: number;
    split_left: number;
    split_right: number;
    only_left: number;
    only_right: number;
    cosines: Histogram;
    matches: Array<Match>;
    splits_left: Array<SplitFeature>;
    splits_right: Array<SplitFeature>;
    alone_left: Array<FeatureLine>;
    alone_right: Array<FeatureLine>;
    split_values: Array<string>;
  }

  interface ComparisonCell {
    text: string;
    first: string;
    rest: string;
    note: string;
  }

  interface ComparisonRow {
    name: string;
    label: string;
    definition: string;
    cells: Array<ComparisonCell>;
  }

  interface ConditionComparison {
    title: string;
    difference: number;
    low: number | null;
    high: number | null;
    q: number | null;
  }

  interface ConditionRates {
    value: string;
    recordings: number;
    mean: number;
    rates: Array<number>;
    names: Array<string>;
  }

  interface ConditionSplit {
    label: string;
    values: Array<ConditionRates>;
    of_values: number;
  }

  interface Conditions {
    splits: Array<ConditionSplit>;
    comparisons: Array<ConditionComparison>;
  }

  interface ContextPair {
    query: number;
    key: number;
    weight: number;
    read: Array<boolean>;
    query_texts: Array<string>;
    query_at: number;
    key_texts: Array<string>;
    key_at: number;
  }

  interface CostStrip {
    name: string;
    model: string;
    plans: Array<string>;
    note: string;
    begin: number;
    stride: number;
    columns: number;
    rows: Array<string>;
    shares: Array<number>;
    needed: string;
    vain: string;
    missed: string;
    counted: string;
  }

  interface CostStrips {
    first: number;
    stop: number;
    strips: Array<CostStrip>;
  }

  interface Definition {
    name: string;
    label: string;
    definition: string;
    range: string;
    source: string;
  }

  interface DictionaryEntry {
    key: string;
    title: string;
    note: string;
    parts: [string, string] | null;
  }

  interface DictionaryPreview {
    key: string;
    features: number;
    sequence: number;
    first: number;
    stop: number;
    rows: Array<PreviewRow>;
  }

  interface DictionaryView {
    entry: DictionaryEntry;
    width: number;
    dead: number;
    active: number;
    indexed: string;
    figures: Record<string, number>;
    measured_on: string;
    density: Histogram;
    dwell: Histogram;
    aligned_with: Array<string>;
    opens_at: [number, number, number];
  }

  interface DocumentLine {
    sequence: number;
    id: string;
    title: string;
    length: number;
  }

  interface DocumentPage {
    total: number;
    lines: Array<DocumentLine>;
  }

  interface DocumentText {
    sequence: number;
    id: string;
    title: string;
    length: number;
    first: number;
    words: Array<string>;
    gaps: Array<string>;
    is_text: boolean;
    start: number;
    step: number;
    time_unit: string;
  }

  interface EchoView {
    total: LagBand;
    carried: LagBand;
    words: LagBand;
    feature: LagBand;
    latching: number;
    latching_interval: [number, number] | null;
  }

  interface EffectsView {
    features: Array<FeatureLine>;
    edits: Array<string>;
    site: string;
    windows: number;
    divergence_is: string;
    units: string;
    at: string;
    hold: number;
    responses: Array<ResponseView>;
    echo: EchoView | null;
  }

  interface EmbeddedDictionary {
    entry: DictionaryEntry;
    features: Array<TimelineFeature>;
  }

  interface EmbeddedTimeline {
    unit: string;
    step: number | null;
    time_unit: string;
    sequence_name: string;
    dictionaries: Array<EmbeddedDictionary>;
    passages: Array<Passage>;
  }

  interface EnrichedFeature {
    feature: number;
    part: "" | "first" | "rest";
    label: string;
    words: Array<string>;
    name: string;
    named_by: "person" | "label" | "explanation" | "rule" | "";
    nats: number;
    share: number;
    density: number;
  }

  interface EvaluationView {
    keys: Array<string>;
    titles: Array<string>;
    sections: Array<ScoreSection>;
    notes: Array<string>;
  }

  interface EventAverage {
    type: string;
    events: number;
    baseline: number;
    peak: number;
    peak_lag: number;
    latency: number;
    duration: number;
    peak_lag_time: number | null;
    latency_time: number | null;
    duration_time: number | null;
    null_rate: number;
    null_sd: number;
    q: number | null;
    curve: Array<number | null>;
    onsets: Array<AlignedOnset>;
  }

  interface ExplainedFeature {
    feature: number;
    part: "" | "first" | "rest";
    label: string;
    words: Array<string>;
    name: string;
    named_by: "person" | "label" | "explanation" | "rule" | "";
    short: string;
    accuracy: number;
    swapped: number | null;
    timing: number | null;
    density: number;
  }

  interface Explanation {
    explainer: string;
    part: string;
    text: string;
    clauses: Array<Array<string>>;
    accuracy: number | null;
    swapped: number | null;
    positives: number | null;
    scores: Array<ExplanationScore>;
  }

  interface ExplanationContext {
    outcome: "right" | "missed" | "wrong";
    sequence: number;
    position: number;
    source: string;
    first: number;
    words: Array<string>;
    gaps: Array<string>;
    strengths: Array<number>;
    holds: Array<boolean>;
    is_text: boolean;
  }

  interface ExplanationQueue {
    total: number;
    mean_accuracy: number | null;
    mean_swapped: number | null;
    lines: Array<ExplainedFeature>;
  }

  interface ExplanationScore {
    name: string;
    value: number;
    definition: string;
  }

  interface ExplanationView {
    halves: string;
    explanations: Array<Explanation>;
    contexts: Array<ExplanationContext>;
  }

  interface FeatureColumn {
    name: string;
    table: string;
    dtype: string;
    unit: string;
    definition: string;
    source: string;
    role: "value" | "name" | "explanation";
    sorts: boolean;
    least: number | null;
    most: number | null;
  }

  interface FeatureLeadLag {
    leads: Array<LeadingFeature>;
    follows: Array<LeadingFeature>;
    within: number;
    within_time: number | null;
    sequences: number;
    steps: number;
    reason: string;
  }

  interface FeatureLine {
    feature: number;
    part: "" | "first" | "rest";
    label: string;
    words: Array<string>;
    name: string;
    named_by: "person" | "label" | "explanation" | "rule" | "";
    starred: boolean;
    density: number;
    dwell: number;
    dwell_time: number | null;
    half_life: number | null;
    half_life_time: number | null;
    peak: number;
    documents: number;
    columns: Record<string, unknown>;
    split: Array<number>;
  }

  interface FeaturePage {
    total: number;
    split_values: Array<string>;
    lines: Array<FeatureLine>;
  }

  interface FeatureRhythm {
    frequencies: Array<number>;
    power: Array<number>;
    null: Array<number>;
    unit: string;
    period: number | null;
    period_time: number | null;
    sequences: number;
    steps: number;
    reason: string;
  }

  interface FeatureView {
    dictionary: string;
    line: FeatureLine;
    count: number;
    runs: number;
    mean: number;
    flicker: number;
    half_life_censored: boolean;
    between_share: number | null;
    position_density: Array<number>;
    run_lengths: Histogram;
    strengths: Histogram;
    bands: Array<MomentBand>;
    earlier: number | null;
    later: number | null;
    history: History | null;
  }

  interface FlowChain {
    features: Array<FeatureLine>;
    similarity: Array<number>;
  }

  interface FlowStage {
    key: string;
    features: number;
    born: number;
    ended: number;
    split: number;
  }

  interface FlowView {
    threshold: number;
    stages: Array<FlowStage>;
    chains: Array<FlowChain>;
    of_chains: number;
  }

  interface FoundMoment {
    first: number;
    stop: number;
    score: number;
    share: number;
  }

  interface Histogram {
    edges: Array<number>;
    counts: Array<number>;
    first: Array<number> | null;
  }

  interface History {
    looked_at: number;
    stages: Array<Stage>;
  }

  interface InputView {
    kind: string;
    first: number;
    stop: number;
    begin: number;
    stride: number;
    channels: Array<string>;
    units: Array<string>;
    hidden: number;
    columns: number;
    low: Array<Array<number | null>>;
    high: Array<Array<number | null>>;
    packed_low: string;
    packed_high: string;
    least: Array<number>;
    most: Array<number>;
    usual: Array<[number, number]>;
    rate: number | null;
    origin: number;
    per_row: number;
    sound: boolean;
    letters: string;
    frames: Array<VideoFrame>;
    of_frames: number;
    frame_size: [number, number] | null;
  }

  interface JudgedView {
    features: Array<FeatureLine>;
    are_chosen: boolean;
    site: string;
    judge: string;
    off_target: string;
    limit: number;
    doses: Array<number>;
    prompts: Array<string>;
    arms: Array<ArmView>;
  }

  interface Label {
    dictionary: string;
    feature: number;
    name: string;
    starred: boolean;
    weights: string;
    stale: boolean;
  }

  interface LabelScore {
    label: string;
    name: string;
    precision: number;
    recall: number;
    auroc: number;
    null_auroc: number | null;
    null_sd: number | null;
    base: number;
    threshold: number;
    q: number | null;
    baselines: Array<BaselineScores>;
    edges: Array<number> | null;
    tuning: Array<TuningValue>;
  }

  interface LabelScores {
    halves: string;
    measured_on: string;
    draws: number;
    scores: Array<LabelScore>;
    of_scores: number;
  }

  interface LabelValue {
    value: string;
    recordings: number;
  }

  interface LagBand {
    mean: Array<number>;
    low: Array<number>;
    high: Array<number>;
    null_low: Array<number> | null;
    null_high: Array<number> | null;
  }

  interface LeadingFeature {
    feature: number;
    part: "" | "first" | "rest";
    label: string;
    words: Array<string>;
    name: string;
    named_by: "person" | "label" | "explanation" | "rule" | "";
    share: number;
    count: number;
    expected: number;
    lag: number;
    lag_time: number | null;
  }

  interface LiveChunk {
    first: number;
    words: Array<string>;
    gaps: Array<string>;
    features: Array<Array<number>>;
    strengths: Array<Array<number>>;
    known: Array<TimelineFeature>;
    per_row: number;
    behind: number;
  }

  interface LiveInput {
    text?: string;
    values?: Array<Array<number>>;
    page?: string;
  }

  interface LiveSamples {
    page: string;
    first: number;
    values?: Array<Array<number>>;
    frames?: string;
    height?: number;
    width?: number;
    ends?: boolean;
    last?: boolean;
  }

  interface LiveState {
    state: "loading" | "waiting" | "running";
    ahead: number;
  }

  interface LogitEffects {
    raised: Array<Written>;
    lowered: Array<Written>;
  }

  interface Match {
    left: FeatureLine;
    right: FeatureLine;
    cosine: number;
  }

  interface MatchView {
    left: string;
    right: string;
    by: string;
    null_is: string;
    features: number;
    mutual: number;
    beyond_null: number;
    similarities: Histogram;
    nulls: Histogram;
    matches: Array<MatchedFeature>;
  }

  interface MatchedFeature {
    left: FeatureLine;
    right: FeatureLine;
    similarity: number;
    null: number;
    beyond_null: boolean;
    mutual: boolean;
  }

  interface Moment {
    sequence: number;
    position: number;
    source: string;
    value: number;
    time: string;
    first: number;
    here: number;
    words: Array<string>;
    gaps: Array<string>;
    strengths: Array<number>;
    is_text: boolean;
    input: InputView | null;
  }

  interface MomentBand {
    title: string;
    moments: Array<Moment>;
  }

  interface MomentsOfName {
    name: string;
    moments: Array<FoundMoment>;
  }

  interface MomentsView {
    first: number;
    stop: number;
    found: Array<MomentsOfName>;
    surprise: Array<SurpriseCurve>;
  }

  interface MovedFeature {
    site: string;
    feature: number;
    mean: Array<number>;
  }

  interface Overview {
    run: string;
    title: string;
    lead: string;
    unit: string;
    step: number | null;
    time_unit: string;
    sequence_name: string;
    notes: Array<string>;
    facts: Array<[string, string]>;
    dictionaries: Array<DictionaryView>;
    comparison: Array<ComparisonRow>;
    comparison_notes: Array<string>;
    definitions: Array<Definition>;
    config: string;
    renderers: Array<string>;
  }

  interface Passage {
    title: string;
    source: string;
    first: number;
    words: Array<string>;
    gaps: Array<string>;
    is_text: boolean;
    start: number;
    step: number;
    time_unit: string;
    input: InputView | null;
    codes: Array<PassageCode>;
  }

  interface PassageCode {
    dictionary: string;
    offsets: Array<number>;
    features: Array<number>;
    percents: Array<number>;
    boundaries: Array<number>;
  }

  interface PeriEventView {
    before: number;
    after: number;
    before_time: number | null;
    after_time: number | null;
    averages: Array<EventAverage>;
    of_types: number;
  }

  interface PolicyReads {
    sparsity: number;
    mass_kept: number;
  }

  interface Preview {
    run: string;
    dictionaries: Array<DictionaryPreview>;
  }

  interface PreviewRow {
    part: "" | "first" | "rest";
    columns: Array<number>;
    strengths: Array<number>;
  }

  interface ReadsOfSite {
    site: string;
    lags: number;
    columns: number;
    stride: number;
    top: number;
    levels: string;
  }

  interface ReadsView {
    first: number;
    stop: number;
    sites: Array<ReadsOfSite>;
  }

  interface RecordingLabel {
    name: string;
    values: Array<LabelValue>;
  }

  interface ResponseView {
    kind: string;
    divergence: LagBand;
    feature: LagBand;
    moved: Array<MovedFeature>;
    half_life: number;
    half_life_interval: [number, number] | null;
    half_life_null: number | null;
    half_life_censored: boolean;
    relative_norm: number | null;
  }

  interface ScoreCell {
    text: string;
    value: number | null;
    low: number | null;
    high: number | null;
    null: number | null;
  }

  interface ScoreRow {
    label: string;
    definition: string;
    equation: string;
    range: string;
    source: string;
    blind_to: string;
    null_is: string;
    cells: Array<ScoreCell | null>;
  }

  interface ScoreSection {
    title: string;
    rows: Array<ScoreRow>;
  }

  interface SearchHit {
    sequence: number;
    title: string;
    first: number;
    stop: number;
    before: string;
    here: string;
    after: string;
    likeness: number;
  }

  interface SensorPlaces {
    places: Array<[number, number] | null>;
    reason: string;
  }

  interface Spectrogram {
    first: number;
    stop: number;
    begin: number;
    stride: number;
    columns: number;
    bins: number;
    top: number;
    floor: number;
    levels: string;
  }

  interface SplitFeature {
    whole: FeatureLine;
    of: number;
    parts: Array<FeatureLine>;
    cosines: Array<number>;
  }

  interface Stage {
    step: number;
    rows: number;
    cosine: number | null;
    overlap: number | null;
    density: number;
    dwell: number | null;
    words: Array<string>;
  }

  interface SteerAnswer {
    prompt_steps: number;
    steps: Array<SteeredStep>;
    edited_steps: number;
    relative_norm: number | null;
  }

  interface SteerInput {
    prompt: string;
    edits: Array<string>;
    span?: string;
    units?: "peak" | "spread" | "activation";
    tokens?: number;
  }

  interface SteeredStep {
    plain: string | null;
    steered: string | null;
    weight: number;
    divergence: number | null;
  }

  interface SurpriseCurve {
    site: string;
    columns: number;
    stride: number;
    top: number;
    levels: string;
  }

  interface Timeline {
    dictionary: string;
    sequence: number;
    first: number;
    stop: number;
    length: number;
    stride: number;
    active_features: number;
    rows: Array<TimelineRow>;
    boundaries: Array<number>;
    boundaries_known: boolean;
  }

  interface TimelineFeature {
    feature: number;
    part: "" | "first" | "rest";
    label: string;
    words: Array<string>;
    dwell: number;
    density: number;
    peak: number;
  }

  interface TimelineRow {
    feature: number;
    part: "" | "first" | "rest";
    label: string;
    words: Array<string>;
    name: string;
    named_by: "person" | "label" | "explanation" | "rule" | "";
    dwell: number;
    density: number;
    energy: number;
    place: number;
    group: number;
    columns: Array<number>;
    strengths: Array<number>;
  }

  interface Track {
    name: string;
    kind: string;
    spans: Array<TrackSpan>;
    hidden: number;
  }

  interface TrackSpan {
    first: number;
    stop: number;
    text: string;
  }

  interface Tracks {
    first: number;
    stop: number;
    tracks: Array<Track>;
  }

  interface TrainingCurve {
    label: string;
    hue: string;
    x: Array<number>;
    y: Array<number>;
    figure: string;
    finished: boolean;
  }

  interface TriggeredAverage {
    kind: string;
    channels: Array<string>;
    units: Array<string>;
    times: Array<number>;
    unit: string;
    mean: Array<Array<number>>;
    z: Array<Array<number>>;
    frequencies: Array<number>;
    frequency_unit: string;
    spectrum: Array<number>;
    null_low: Array<number>;
    null_high: Array<number>;
    mean_picture: string;
    z_picture: string;
    largest_z: number;
    sensors: SensorPlaces;
    moments: number;
    sequences: number;
    reason: string;
  }

  interface TuningValue {
    value: string;
    rate: number;
    detected: boolean;
  }

  interface VideoFrame {
    step: number;
    picture: string;
  }

  interface WeightedStep {
    step: number;
    weight: number;
    read: Array<boolean>;
  }

  interface WordSearch {
    total: number;
    documents: number;
    read: number;
    enriched: number;
    within_words: boolean;
    features: Array<EnrichedFeature>;
    places: Array<SearchHit>;
  }

  interface Written {
    token: string;
    logit: number;
  }

  /** The answer to a GET of a path below /api/. */
  type Answer<Path extends string> =
    Path extends `attention/${string}/heads/${string}/map` ? AttentionMap :
    Path extends `attention/${string}/heads/${string}/moment` ? AttentionMoment :
    Path extends `attention/${string}/heads/${string}/pairs` ? Array<ContextPair> :
    Path extends `dictionaries/${string}/features/${string}/coactivation` ? CoactivationView :
    Path extends `dictionaries/${string}/features/${string}/conditions` ? Conditions :
    Path extends `dictionaries/${string}/features/${string}/explanations` ? ExplanationView :
    Path extends `dictionaries/${string}/features/${string}/labels` ? LabelScores :
    Path extends `dictionaries/${string}/features/${string}/lead_lag` ? FeatureLeadLag :
    Path extends `dictionaries/${string}/features/${string}/logit_effects` ? LogitEffects :
    Path extends `dictionaries/${string}/features/${string}/peri_event` ? PeriEventView :
    Path extends `dictionaries/${string}/features/${string}/rhythm` ? FeatureRhythm :
    Path extends `dictionaries/${string}/features/${string}/triggered_average` ? TriggeredAverage :
    Path extends `dictionaries/${string}/sequences/${string}/alike` ? Array<SearchHit> :
    Path extends `dictionaries/${string}/sequences/${string}/cost` ? CostStrips :
    Path extends `dictionaries/${string}/sequences/${string}/input` ? InputView :
    Path extends `dictionaries/${string}/sequences/${string}/moments` ? MomentsView :
    Path extends `dictionaries/${string}/sequences/${string}/reads` ? ReadsView :
    Path extends `dictionaries/${string}/sequences/${string}/sound.wav` ? unknown :
    Path extends `dictionaries/${string}/sequences/${string}/specific` ? Array<EnrichedFeature> :
    Path extends `dictionaries/${string}/sequences/${string}/spectrogram` ? Spectrogram :
    Path extends `dictionaries/${string}/sequences/${string}/timeline` ? Timeline :
    Path extends `dictionaries/${string}/sequences/${string}/tracks` ? Tracks :
    Path extends `dictionaries/${string}/sequences/${string}/words` ? DocumentText :
    Path extends `dictionaries/${string}/features/${string}` ? FeatureView :
    Path extends `attention/${string}/lanes` ? AttentionLanes :
    Path extends `dictionaries/${string}/columns` ? Array<FeatureColumn> :
    Path extends `dictionaries/${string}/effects` ? Array<EffectsView> :
    Path extends `dictionaries/${string}/explanations` ? ExplanationQueue :
    Path extends `dictionaries/${string}/features` ? FeaturePage :
    Path extends `dictionaries/${string}/judged` ? Array<JudgedView> :
    Path extends `dictionaries/${string}/moments` ? WordSearch :
    Path extends `dictionaries/${string}/recording_labels` ? Array<RecordingLabel> :
    Path extends `dictionaries/${string}/sequences` ? DocumentPage :
    Path extends `attention/${string}` ? AttentionView :
    Path extends `circuits/${string}` ? CircuitView :
    Path extends "attention" ? Array<AttentionEntry> :
    Path extends "circuits" ? Array<CircuitEntry> :
    Path extends "compare" ? CompareView :
    Path extends "evaluation" ? EvaluationView :
    Path extends "flow" ? FlowView :
    Path extends "labels" ? Array<Label> :
    Path extends "matches" ? MatchView :
    Path extends "preview" ? Preview :
    Path extends "run" ? Overview :
    Path extends "training" ? Array<TrainingCurve> :
    never;

  /** The query parameters of a GET of a path. */
  type Query<Path extends string> =
    Path extends `attention/${string}/heads/${string}/map` ? { policy?: number | null; second?: number | null; first_query?: number | null; stop_query?: number | null; first_key?: number | null; stop_key?: number | null; cells?: number | null } :
    Path extends `attention/${string}/heads/${string}/moment` ? { step?: number | null } :
    Path extends `attention/${string}/heads/${string}/pairs` ? {} :
    Path extends `dictionaries/${string}/features/${string}/coactivation` ? {} :
    Path extends `dictionaries/${string}/features/${string}/conditions` ? {} :
    Path extends `dictionaries/${string}/features/${string}/explanations` ? {} :
    Path extends `dictionaries/${string}/features/${string}/labels` ? {} :
    Path extends `dictionaries/${string}/features/${string}/lead_lag` ? {} :
    Path extends `dictionaries/${string}/features/${string}/logit_effects` ? {} :
    Path extends `dictionaries/${string}/features/${string}/peri_event` ? {} :
    Path extends `dictionaries/${string}/features/${string}/rhythm` ? {} :
    Path extends `dictionaries/${string}/features/${string}/triggered_average` ? {} :
    Path extends `dictionaries/${string}/sequences/${string}/alike` ? { first: number; stop: number } :
    Path extends `dictionaries/${string}/sequences/${string}/cost` ? { first?: number | null; stop?: number | null } :
    Path extends `dictionaries/${string}/sequences/${string}/input` ? { first?: number | null; stop?: number | null; columns?: number | null; frames?: number | null; channels?: number | null; packed?: boolean | null } :
    Path extends `dictionaries/${string}/sequences/${string}/moments` ? { first?: number | null; stop?: number | null } :
    Path extends `dictionaries/${string}/sequences/${string}/reads` ? { first?: number | null; stop?: number | null } :
    Path extends `dictionaries/${string}/sequences/${string}/sound.wav` ? {} :
    Path extends `dictionaries/${string}/sequences/${string}/specific` ? { first: number; stop: number; limit?: number | null } :
    Path extends `dictionaries/${string}/sequences/${string}/spectrogram` ? { first?: number | null; stop?: number | null } :
    Path extends `dictionaries/${string}/sequences/${string}/timeline` ? { first?: number | null; stop?: number | null; columns?: number | null; rows?: number | null; densest?: number | null; reach?: number | null; also?: Array<number> | null } :
    Path extends `dictionaries/${string}/sequences/${string}/tracks` ? { first?: number | null; stop?: number | null } :
    Path extends `dictionaries/${string}/sequences/${string}/words` ? { first?: number | null; stop?: number | null } :
    Path extends `dictionaries/${string}/features/${string}` ? { only?: string | null } :
    Path extends `attention/${string}/lanes` ? { value?: "distance" | "received" | "entropy" | null; first?: number | null; stop?: number | null; columns?: number | null } :
    Path extends `dictionaries/${string}/columns` ? {} :
    Path extends `dictionaries/${string}/effects` ? {} :
    Path extends `dictionaries/${string}/explanations` ? {} :
    Path extends `dictionaries/${string}/features` ? { words?: string | null; part?: "" | "first" | "rest" | null; density_min?: number | null; density_max?: number | null; dwell_min?: number | null; dwell_max?: number | null; starred?: boolean | null; only?: string | null; split?: string | null; where?: Array<string> | null; sort?: string | null; ascending?: boolean | null; offset?: number | null; limit?: number | null } :
    Path extends `dictionaries/${string}/judged` ? {} :
    Path extends `dictionaries/${string}/moments` ? { words: string } :
    Path extends `dictionaries/${string}/recording_labels` ? {} :
    Path extends `dictionaries/${string}/sequences` ? { words?: string | null; offset?: number | null; limit?: number | null; only?: string | null } :
    Path extends `attention/${string}` ? {} :
    Path extends `circuits/${string}` ? {} :
    Path extends "attention" ? {} :
    Path extends "circuits" ? {} :
    Path extends "compare" ? { left: string; right: string; shown?: number | null; only?: string | null; split?: string | null } :
    Path extends "evaluation" ? {} :
    Path extends "flow" ? { keys: Array<string>; by?: string | null } :
    Path extends "labels" ? {} :
    Path extends "matches" ? { left: string; right: string; by?: string | null; shown?: number | null } :
    Path extends "preview" ? {} :
    Path extends "run" ? {} :
    Path extends "training" ? {} :
    {};

  /** The JSON that a POST or PUT to a path sends. */
  type Body<Path extends string> =
    Path extends `dictionaries/${string}/features/${string}/label` ? Body_set_label :
    Path extends `dictionaries/${string}/live/stream` ? LiveSamples :
    Path extends `circuits/${string}/ablation` ? AblationInput :
    Path extends `dictionaries/${string}/live` ? LiveInput :
    Path extends `dictionaries/${string}/steer` ? SteerInput :
    Path extends "labels" ? Array<Label> :
    never;
}
