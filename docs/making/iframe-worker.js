/* A page that is opened from a disk may start no worker: a hidden frame does the work of the search in its place. */
if (location.protocol === "file:") {
  const within = `<script>
    window.postMessage = (data) => parent.dispatchEvent(new MessageEvent("of-worker", { data }));
    window.importScripts = async (...sources) => {
      for (const source of sources)
        await new Promise((done, failed) => {
          const script = document.createElement("script");
          Object.assign(script, { src: source, onload: done, onerror: failed });
          document.body.append(script);
        });
    };
  </script>`;
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      addEventListener("of-worker", ({ data }) => this.dispatchEvent(new MessageEvent("message", { data })));
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = `<body>${within}<script src="${url}"></script>`;
      this.ready = new Promise((done) => frame.addEventListener("load", () => done(frame.contentWindow)));
      document.body.append(frame);
    }
    async postMessage(data) {
      (await this.ready).dispatchEvent(new MessageEvent("message", { data }));
    }
  };
}
