#!/bin/sh
# Build plotly.min.js.gz beside this file: plotly.js VERSION with the traces of entry.js. Needs npm.
set -eu
version=$1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --ignore-scripts --no-audit --no-fund "plotly.js@$version" esbuild@0.28.2
cp "$here/entry.js" .
# as plotly.js builds itself; the first line has browsers compile all of it while it arrives
npx esbuild entry.js --bundle --minify --format=iife --global-name=Plotly --target=es2016 \
  --define:global=window --define:define.amd=false --loader:.css=empty --legal-comments=eof \
  "--banner:js=//# allFunctionsCalledOnLoad
/* plotly.js v$version: MIT licence, Copyright 2012-2026, Plotly, Inc. */" --outfile=plotly.min.js
gzip --best --no-name --to-stdout plotly.min.js > "$here/plotly.min.js.gz"
