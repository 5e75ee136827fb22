// Runs in the audio thread: hands the samples of a microphone to the page in pieces.

const PIECE = 0.04; // seconds

class Microphone extends AudioWorkletProcessor {
  /** @type {number[]} */
  samples = [];

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    const channel = input[0];
    if (channel) for (const value of channel) this.samples.push(value);
    if (this.samples.length >= PIECE * sampleRate) {
      this.port.postMessage(this.samples);
      this.samples = [];
    }
    return true;
  }
}

registerProcessor("microphone", Microphone);
