/* What the page needs of plotly.js; scatter is in its core. */

const Plotly = require("plotly.js/lib/core");

Plotly.register([
  require("plotly.js/lib/bar"),
  require("plotly.js/lib/candlestick"),
  require("plotly.js/lib/heatmap"),
]);

module.exports = Plotly;
