"""Streams to measure: a real one, whose sources are not needed, and generated ones."""

import hashlib
import os
import re
import shutil

HEAD = "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\n"


def commit(name):
    return hashlib.sha1(name.encode()).hexdigest()


def digest(name):
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def offline(text):
    """Names commits and digests, so that a lock can be made without a network."""
    text = re.sub(r"(git: \{url: [^,]*?([^/,]+), ref: )([-.\w]+)", lambda m: m[1] + f'"{commit(m[2])}"', text)
    return re.sub(r"(\{image: )([^@}]+)\}", lambda m: f'{m[1]}"{m[2]}@{digest(m[2])}"}}', text)


def okd(repo, tmp):
    """The 190 components of a real OKD, imported from ART's build data, an overlay on them, and one for two platforms."""
    for name in ("okd-scos", "okd-openstack", "okd-edge"):
        to = os.path.join(tmp, name)
        shutil.copytree(os.path.join(repo, "streams", name), to)
        path = os.path.join(to, "stream.yaml")
        with open(path) as f:
            text = f.read()
        write(path, offline(text))
    return os.path.join(tmp, "okd-openstack"), os.path.join(tmp, "okd-edge")


def large(tmp, components=2000, overlays=20):
    """Components in four levels, a twentieth of them from folders, and overlays on each other with 30 operations each."""
    root = os.path.join(tmp, "large-0")
    folders = [n for n in range(components) if n % 20 == 7]

    def base(n):
        return None if n == 0 else "base-0" if n < 20 else f"base-{n % 20}"

    lines = [HEAD, "name: large-0\nversion: 1.0.0\nrepository: localhost:5757/large-0\nreleaseBase: c0\nbases:\n"]
    lines += [f"  base-{n}: {{component: c{n}}}\n" for n in range(20)]
    lines.append(f'  builder: {{image: "registry.example/builder@{digest("builder")}"}}\ncomponents:\n')
    for n in range(components):
        if n in folders:
            lines.append(f"  c{n}:\n    source: {{path: components/c{n}}}\n    args: {{NUMBER: \"{n}\"}}\n")
            file = f"FROM {base(n) or 'builder'}\nARG NUMBER\nCOPY file /\n"
            write(os.path.join(root, "components", f"c{n}", "Containerfile"), file)
            write(os.path.join(root, "components", f"c{n}", "file"), f"{n}\n")
            continue
        above = [name for name in ("builder", base(n)) if name]
        # Four components share a repository.
        lines.append(
            f"  c{n}:\n    source: {{git: {{url: https://git.example/r{n // 4}, ref: {commit(str(n // 4))}, path: images/c{n}}}}}\n"
            f"    containerfile: Dockerfile.rhel9\n    from: [{', '.join(above)}]\n"
            f"    labels:\n      io.k8s.display-name: Component {n}\n      io.openshift.tags: bench\n"
            f"      io.k8s.description: What a component says of itself is about as long as this sentence.\n"
        )
    write(os.path.join(root, "stream.yaml"), "".join(lines))
    for level in range(1, overlays + 1):
        of = lambda k: f"c{20 + level * 90 + k}"  # noqa: E731
        lines = [HEAD, f"name: large-{level}\nrepository: localhost:5757/large-{level}\n"]
        lines.append(f"from: {{path: ../large-{level - 1}}}\noperations:\n")
        ref = commit(f"mine {level}")
        for k in range(10):
            where = f"{{git: {{url: https://git.example/mine-{level}, ref: {ref}}}}}"
            lines.append(f"  - replace: {{component: {of(k)}, source: {where}, from: [builder], why: A fix.}}\n")
            lines.append(f"  - change: {{component: {of(10 + k)}, labels: {{mine: \"{level}\"}}, why: To be found.}}\n")
        for k in range(5):
            lines.append(f"  - remove: {{component: {of(20 + k)}, why: Not needed.}}\n")
            lines.append(
                f"  - add: {{component: new-{level}-{k}, definition: {{source: {{git: {{url: https://git.example/new, "
                f"ref: {commit('new')}}}}}, from: [builder]}}, why: Needed.}}\n"
            )
        write(os.path.join(tmp, f"large-{level}", "stream.yaml"), "".join(lines))
    return os.path.join(tmp, f"large-{overlays}"), os.path.join(root, "components", f"c{folders[-1]}", "file")


def buildable(repo, tmp, components=190):
    """Components that are built in no time: one file on a base, pushed with curl."""
    root = os.path.join(tmp, "buildable")
    tiny = os.path.join(repo, "crates", "sw", "tests", "tiny-stream")
    shutil.copytree(os.path.join(tiny, "tasks"), os.path.join(root, "tasks"))
    lines = [HEAD, "name: buildable\nversion: 1.0.0\nrepository: localhost:5757/buildable\nreleaseBase: c0\n"]
    lines.append("bases:\n  base: {component: c0}\ncomponents:\n")
    for n in range(components):
        lines.append(f"  c{n}: {{task: tiny-image, source: {{path: components/c{n}}}}}\n")
        write(os.path.join(root, "components", f"c{n}", "Containerfile"), "FROM base\n" if n else "FROM scratch\n")
        write(os.path.join(root, "components", f"c{n}", "content"), f"{n}\n")
    write(os.path.join(root, "stream.yaml"), "".join(lines))
    return root
