"""The page's style sheet, and the few lines that join the player and the drawing of its time."""

CSS = """
.gradio-container {max-width: 1000px !important; width: 100% !important; margin: 0 auto !important}
.answer {display: flex; flex-direction: column; gap: 1rem}
.answer.message {border-left: .4rem solid #d1495b; padding: .8rem 1rem; font-weight: 600}
.answer .note {border-left: .4rem solid #f2b134; padding: .4rem .8rem; margin: 0}
.cards {display: flex; flex-wrap: wrap; gap: 1rem; align-items: stretch}
.card {border: .2rem solid; border-radius: .6rem; padding: .4em .6em; display: flex; flex-wrap: wrap; gap: 0 .5em;
  align-items: baseline; justify-content: space-between; line-height: 1.2}
.card .mood {font-weight: 700}
.bars .row {display: grid; grid-template-columns: 6.5rem 1fr 3.5rem; gap: .6rem; align-items: center}
.bars .track {background: #8882; height: .8rem; border-radius: .4rem; overflow: hidden}
.bars .fill {display: block; height: 100%}
.mood-player {width: 100%}
.timeline {position: relative; cursor: pointer}
.timeline .spectrogram, .timeline .curve {width: 100%; height: 8rem; display: block; margin: 0; object-fit: fill}
.timeline .curve {height: 6rem}
.timeline .cursor {position: absolute; top: 0; height: 14rem; width: 2px; background: #fff; outline: 1px solid #000;
  left: 0; pointer-events: none}
.timeline .axis {position: relative; height: 1.4rem; font-size: .8rem; opacity: .8; overflow: hidden}
.timeline .axis span {position: absolute; border-left: 1px solid; padding-left: .2rem}
.legend {display: flex; flex-wrap: wrap; gap: 1rem; margin: .3rem 0}
.legend span::before {content: ""; display: inline-block; width: .8em; height: .8em; background: var(--c);
  margin-right: .4em}
.why {display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 1rem 2rem; align-items: start}
.why p {margin: .8rem 0 0}
.plane svg {max-width: 16rem; width: 100%}
.plane rect, .plane path {fill: none; stroke: currentColor; stroke-width: 1}
.plane text {font-size: 13px; fill: currentColor}
.plane circle {stroke: #fff; stroke-width: 2}
.origin {opacity: .8}
.origin a {margin: 0 !important; padding: 0 !important}
"""

FOLLOW_PLAYER = """
() => {
  const within = (element, name) => {
    const answer = element.closest && element.closest(".answer");
    return answer && answer.querySelector(name);
  };
  document.addEventListener("timeupdate", event => {
    const cursor = within(event.target, ".cursor");
    if (cursor) cursor.style.left = 100 * event.target.currentTime / cursor.dataset.duration + "%";
  }, true);
  document.addEventListener("click", event => {
    const drawn = event.target.closest && event.target.closest(".timeline");
    const player = drawn && within(drawn, "audio");
    if (!player) return;
    const box = drawn.getBoundingClientRect();
    player.currentTime = (event.clientX - box.left) / box.width * within(drawn, ".cursor").dataset.duration;
  });
}
"""
"""The cursor goes with the player, and the player to where the drawing is clicked. `timeupdate` does not bubble, so it
is caught on its way down."""
