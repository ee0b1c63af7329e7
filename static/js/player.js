// Plays all chunks of a recording as one: one position over all of them, in media time and on the wall clock.
(() => {
  const SKIP_S = 10;
  const FRAME_S = 1 / 8; // ACS records 8 frames a second
  const LEAD_S = 3;
  const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3];
  const clockTime = (ms) => window.tapedeck.clockTime(ms);

  const begin = (root) => {
    if (root.dataset.begun) return;
    root.dataset.begun = "yes";
    const video = root.querySelector("[data-video]");
    const chunks = JSON.parse(root.dataset.playlist);
    let total = 0;
    chunks.forEach((chunk) => {
      chunk.begins = total;
      total += chunk.media;
    });
    const find = (name) => root.querySelector(`[data-${name}]`);
    const scrubber = find("scrubber");
    const speed = find("speed");
    let at = 0;
    let dragging = false;

    const wallOf = (chunk, mediaMs) => {
      let wall = chunk.wall + mediaMs;
      chunk.pauses.forEach(([starts, length]) => {
        if (wall >= starts) wall += length;
      });
      return wall;
    };
    const mediaOf = (wall) => {
      const chunk = chunks.findLast((each) => each.wall <= wall) || chunks[0];
      let skipped = 0;
      chunk.pauses.forEach(([starts, length]) => {
        if (wall > starts) skipped += Math.min(length, wall - starts);
      });
      return chunk.begins + Math.max(0, Math.min(chunk.media, wall - chunk.wall - skipped));
    };
    const position = () => chunks[at].begins + video.currentTime * 1000;
    const zone = document.cookie.match(/tapedeck_zone=([^;]+)/);
    const onWall = new Intl.DateTimeFormat("en-GB", {
      timeStyle: "medium",
      timeZone: zone ? zone[1] : "UTC",
    });

    const load = (index, seconds, play) => {
      at = index;
      video.src = chunks[index].src;
      video.currentTime = seconds;
      video.playbackRate = Number(speed.value);
      if (play) video.play();
    };
    const seek = (ms) => {
      const target = Math.max(0, Math.min(total - 50, ms));
      const index = chunks.findLastIndex((chunk) => chunk.begins <= target);
      const seconds = (target - chunks[index].begins) / 1000;
      if (index === at) video.currentTime = seconds;
      else load(index, seconds, !video.paused);
      show(target);
    };
    const show = (ms) => {
      find("position").textContent = clockTime(ms);
      if (!dragging) scrubber.value = Math.round((1000 * ms) / total);
      scrubber.setAttribute("aria-valuetext", `${clockTime(ms)} / ${clockTime(total)}`);
      const wall = wallOf(chunks[at], ms - chunks[at].begins);
      find("wall").textContent = onWall.format(wall);
      const playhead = document.querySelector("[data-playhead]");
      if (!playhead) return;
      const { starts, ends } = playhead.dataset;
      const share = `${((100 * (wall - starts)) / (ends - starts)).toFixed(3)}%`;
      playhead.setAttribute("x1", share);
      playhead.setAttribute("x2", share);
    };
    const toggle = () => (video.paused ? video.play() : video.pause());
    const setSpeed = (value) => {
      speed.value = String(value);
      video.playbackRate = value;
    };
    const stepSpeed = (step) => {
      const index = SPEEDS.indexOf(Number(speed.value)) + step;
      if (SPEEDS[index]) setSpeed(SPEEDS[index]);
    };
    const nextPause = () => {
      const starts = chunks.flatMap((chunk) => chunk.pauses.map(([wall]) => mediaOf(wall)));
      const next = starts.sort((a, b) => a - b).find((ms) => ms > position() + LEAD_S * 1000 + 250);
      if (next !== undefined) seek(next - LEAD_S * 1000);
    };
    const full = () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen());
    const acts = {
      toggle,
      full,
      back: () => seek(position() - SKIP_S * 1000),
      forward: () => seek(position() + SKIP_S * 1000),
    };
    const keys = {
      " ": toggle,
      k: toggle,
      f: full,
      n: nextPause,
      ArrowLeft: acts.back,
      ArrowRight: acts.forward,
      ",": () => seek(position() - FRAME_S * 1000),
      ".": () => seek(position() + FRAME_S * 1000),
      "<": () => stepSpeed(-1),
      ">": () => stepSpeed(1),
    };

    root.addEventListener("click", (event) => acts[event.target.closest("[data-do]")?.dataset.do]?.());
    video.addEventListener("click", toggle);
    video.addEventListener("timeupdate", () => show(position()));
    video.addEventListener("ended", () => {
      if (at + 1 < chunks.length) load(at + 1, 0, true);
    });
    const tellWhetherItPlays = () => {
      find("broken").hidden = !video.error;
      find("broken-chunk").textContent = chunks[at].index;
    };
    video.addEventListener("error", tellWhetherItPlays);
    video.addEventListener("loadedmetadata", tellWhetherItPlays);
    ["play", "pause"].forEach((name) =>
      video.addEventListener(name, () => {
        const use = root.querySelector("[data-do=toggle] use");
        use.setAttribute("href", use.getAttribute("href").replace(/#.*/, video.paused ? "#play" : "#pause"));
      }),
    );
    scrubber.addEventListener("input", () => {
      dragging = true;
      seek((total * scrubber.value) / 1000);
    });
    scrubber.addEventListener("change", () => {
      dragging = false;
    });
    speed.addEventListener("change", () => setSpeed(Number(speed.value)));
    root.tapedeckKeys = keys;
    root.tapedeckSeekWall = (wall) => seek(mediaOf(wall));
    root.tapedeckLead = (wall) => seek(mediaOf(wall) - LEAD_S * 1000);

    scrubber.max = 1000;
    find("length").textContent = clockTime(total);
    video.controls = false;
    find("controls").hidden = false;
    root.classList.add("is-live");
    show(0);
    tellWhetherItPlays();
    const wanted = Number(new URLSearchParams(location.search).get("t"));
    if (wanted) video.addEventListener("loadedmetadata", () => seek(wanted * 1000), { once: true });
  };

  const player = () => document.querySelector("[data-playlist]");
  const beginAll = () => {
    if (!player()) return;
    begin(player());
    document.querySelectorAll("[data-seek-wall]").forEach((button) => {
      button.hidden = false;
    });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-seek-wall]");
    const timeline = event.target.closest("[data-timeline]");
    if (!player() || !(button || timeline)) return;
    if (button) {
      player().tapedeckLead(Number(button.dataset.seekWall));
      player().querySelector("[data-video]").play();
      return;
    }
    const { starts, ends } = timeline.querySelector("[data-playhead]").dataset;
    const box = timeline.getBoundingClientRect();
    player().tapedeckSeekWall(Number(starts) + ((event.clientX - box.left) / box.width) * (ends - starts));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !player()) return;
    if (event.target.closest("input:not([type=range]), select, textarea, summary")) return;
    if (event.key === " " && event.target.closest("button, a")) return;
    const act = player().tapedeckKeys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("htmx:afterSettle", beginAll);
  beginAll();
})();
