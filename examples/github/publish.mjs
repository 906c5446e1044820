// Uploads the folder model/ to the Hub. The workflow publish-with-javascript.yml runs it with HF_TOKEN.
import { pathToFileURL } from "node:url";
import { uploadFiles } from "@huggingface/hub";

const { commit } = await uploadFiles({
  repo: { type: "model", name: "acme/awesome-model" },
  accessToken: process.env.HF_TOKEN,
  hubUrl: process.env.HF_ENDPOINT, // not set: https://huggingface.co
  files: [{ path: "", content: pathToFileURL("model/") }],
  commitTitle: `Trained at ${process.env.GITHUB_SHA}`,
});
console.log(commit.url);
