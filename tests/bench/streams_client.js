// Holds N streaming calls and reads their events as a program would that works with the text.
//
//   node streams_client.js URL BODY_FILE KEY N
//
// One thread, node:http, no client library in between: the least that Node can do. Each
// event's JSON is parsed and the text of its delta counted.
"use strict";
const fs = require("node:fs");
const http = require("node:http");

const [url, bodyFile, key, count] = process.argv.slice(2);
const body = fs.readFileSync(bodyFile);
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
const headers = {
  "x-api-key": key,
  "anthropic-version": "2023-06-01",
  "content-type": "application/json",
  "content-length": body.length,
};
let text = 0;

function takeEvent(event) {
  const data = JSON.parse(event.slice(event.indexOf("data: ") + 6));
  if (data.type === "content_block_delta") text += (data.delta.text || "").length;
}

function call() {
  const request = http.request(url, { method: "POST", agent, headers }, (answer) => {
    let left = "";
    answer.setEncoding("utf8");
    answer.on("data", (piece) => {
      left += piece;
      for (let end; (end = left.indexOf("\n\n")) >= 0; left = left.slice(end + 2))
        takeEvent(left.slice(0, end));
    });
  });
  request.end(body);
}

let begun = 0;
const starting = setInterval(() => {
  for (let i = 0; i < 50 && begun < Number(count); i++, begun++) call();
  if (begun >= Number(count)) clearInterval(starting); // no faster than they are taken
}, 20);
