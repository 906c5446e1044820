// Operations of @huggingface/hub, from version 1 on.
import { createRequire } from "node:module";
import { appendFile, readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const job = JSON.parse(process.env.CLIENT_JOB);
const packages = createRequire(pathToFileURL(`${job.environment}/package.json`));
const hub = await import(pathToFileURL(packages.resolve("@huggingface/hub")));
const access = { hubUrl: job.hub, accessToken: job.token };
const repo = job.repo;
const seeded = { repo: job.seeded, ...access };

class NotOffered extends Error {}

function content(size, seed = 1) {
  return Buffer.from(Array.from({ length: size }, (_, index) => (seed * 31 + (index % 65536) ** 2 * 7) % 256));
}

function check(got, expected) {
  const [left, right] = [got, expected].map((each) => JSON.stringify(each));
  if (left !== right) throw new Error(`got ${left.slice(0, 300)}, expected ${right.slice(0, 300)}`);
}

const upload = (data, path, options = {}) =>
  hub.uploadFile({ repo, ...access, file: { path, content: new Blob([data]) }, ...options });

async function read(path, options = {}) {
  const response = await hub.downloadFile({ repo, ...access, path, ...options });
  if (response === null) throw Object.assign(new Error("null"), { statusCode: 404 });
  return Buffer.from(await response.arrayBuffer());
}

const same = async (path, data, options) => check((await read(path, options)).equals(Buffer.from(data)), true);

async function uploadAndCompare(data, path) {
  await upload(data, path);
  await same(path, data);
}

async function all(iterator) {
  const found = [];
  for await (const each of iterator) found.push(each);
  return found;
}

const revision = (name, expected) => same("data/small.txt", expected, { ...seeded, revision: name });

const operations = {
  "upload a small file": () => uploadAndCompare("small\n", "small.txt"),
  "upload an LFS file": () => uploadAndCompare(content(200_000, 2), "model.safetensors"),
  "upload a text file over 10 MiB": () => uploadAndCompare("a line\n".repeat(1_600_000), "long.txt"),
  "upload a folder": async () => {
    const files = { "folder/one.txt": Buffer.from("one\n"), "folder/deep/two.bin": content(50_000) };
    const sent = Object.entries(files).map(([path, data]) => ({ path, content: new Blob([data]) }));
    await hub.uploadFiles({ repo, ...access, files: sent });
    await same("folder/deep/two.bin", files["folder/deep/two.bin"]);
  },
  "delete a file": async () => {
    await upload("old\n", "old.txt");
    await hub.deleteFile({ repo, ...access, path: "old.txt" });
    const paths = (await all(hub.listFiles({ repo, ...access }))).map((each) => each.path);
    check(paths.includes("old.txt"), false);
  },
  download: () => same("weights.bin", content(job.size), seeded),
  "read metadata (HEAD)": async () => {
    const found = await hub.fileDownloadInfo({ ...seeded, path: "weights.bin" });
    check([found.etag.replaceAll('"', ""), found.size], [job.sha256, job.size]);
  },
  "read a range": async () => {
    // Version 1 has a parameter for it, and returns a response. Version 2 returns a blob, which asks for what is used.
    const found = await hub.downloadFile({ ...seeded, path: "weights.bin", range: [5_000, 5_099] });
    const part = Buffer.from(await (found.slice?.(5_000, 5_100) ?? found).arrayBuffer());
    check(part.equals(content(job.size).subarray(5_000, 5_100)), true);
  },
  "list files": async () => {
    const found = await all(hub.listFiles({ ...seeded, recursive: true }));
    check(found.filter((each) => each.type === "file").map((each) => each.path).sort(), job.files);
  },
  "list with last commits": async () => {
    const found = await all(hub.listFiles({ ...seeded, expand: true }));
    check(found.find((each) => each.path === "weights.bin").lastCommit.title, "First");
  },
  "look up paths": async () => {
    const [found] = await hub.pathsInfo({ ...seeded, paths: ["weights.bin"], expand: true });
    check([found.path, found.size, found.lastCommit.title], ["weights.bin", job.size, "First"]);
  },
  "repository info": async () => {
    const found = await hub.modelInfo({ name: job.seeded, ...access, additionalFields: ["sha"] });
    check([found.name, found.sha], [job.seeded, job.commit]);
  },
  "list commits": async () => {
    const titles = (await all(hub.listCommits(seeded))).map((each) => each.title);
    check(titles.slice(0, 2), ["Second", "First"]);
  },
  "revision: tag": () => revision("v1", "first\n"),
  "revision: short hash": () => revision(job.first.slice(0, 7), "first\n"),
  "revision: HEAD": () => revision("HEAD", "second\n"),
  "revision: refs/pr/1": () => revision("refs/pr/1", "no such pull request"),
  "download all (snapshot, clone)": async () => {
    const found = await hub.snapshotDownload({ ...seeded, cacheDir: `${job.scratch}/cache` });
    check((await readFile(`${found}/weights.bin`)).equals(content(job.size)), true);
  },
  "create a branch": async () => {
    if (!hub.createBranch) throw new NotOffered();
    await hub.createBranch({ repo, ...access, branch: "next" });
    await upload("next\n", "next.txt", { branch: "next" });
    await same("next.txt", "next\n", { revision: "next" });
  },
  "create a repository that exists": () => hub.createRepo({ repo, ...access }),
  "create a repository": () => hub.createRepo({ repo: `${repo}-new`, ...access }),
  "create a pull request": () => upload("proposed\n", "proposed.txt", { isPullRequest: true }),
  whoami: () => hub.whoAmI(access),
  "write to another repository": () => upload("strange\n", "strange.txt", { repo: job.other }),
  "use an expired token": () =>
    upload("late\n", "late.txt", { hubUrl: job.expired_hub, accessToken: job.expired_token }),
  "publish 150 MB": async () => upload(await readFile(job.big), "big.safetensors"),
};

for (const name of job.operations) {
  let [outcome, said] = ["done", ""];
  try {
    await operations[name]();
  } catch (error) {
    outcome = error instanceof NotOffered ? "not offered" : String(error.statusCode ?? "failed");
    said = `${error.stack}`;
  }
  await appendFile(job.results, `${JSON.stringify({ operation: name, outcome, said: said.slice(0, 2000) })}\n`);
}
