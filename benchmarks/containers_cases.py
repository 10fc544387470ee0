"""Dockerfiles with one flaw each beside an honest way to the same end, and whole honest files."""

from __future__ import annotations

DIGEST = "@sha256:" + "0" * 64
BASE = f"FROM python:3.12-slim{DIGEST}\n"
TOKEN = "hf_" + "abcdefghij" * 4

# Each flaw beside an honest way to the same end: the first must raise the rule, the second must not.
TWINS = [
    ("unpinned-base", "FROM python\nUSER a", BASE + "USER a"),
    ("unpinned-base", "FROM python:latest\nUSER a", f"FROM python:latest{DIGEST}\nUSER a"),
    ("unpinned-base", "ARG V=latest\nFROM python:${V}\nUSER a", "ARG V=3.12-slim\nFROM python:${V}\nUSER a"),
    ("base-by-tag", "FROM python:3.12-slim\nUSER a", BASE + "USER a"),
    ("base-from-outside", "ARG IMAGE\nFROM $IMAGE\nUSER a", f"ARG IMAGE=x:1{DIGEST}\nFROM $IMAGE\nUSER a"),
    ("root", BASE + "RUN id", BASE + "USER app"),
    ("root", BASE + "USER app\nUSER root", BASE + "USER root\nRUN id\nUSER 1000:1000"),
    ("root", BASE + "USER 0:0", "FROM gcr.io/distroless/python3-debian12:nonroot" + DIGEST),
    ("root", BASE.replace("\n", " AS a\n") + "USER app\n" + BASE, BASE.replace("\n", " AS a\n") + "USER app\nFROM a"),
    ("root", BASE + 'ENTRYPOINT ["python"]', BASE + 'ENTRYPOINT ["gosu", "app", "python"]'),
    ("whole-context", BASE + "COPY . /app", BASE + "COPY src /app"),
    ("whole-context", BASE + "ADD ./ .", BASE + "ADD model.tar.gz ."),
    ("whole-context", BASE.replace("\n", " AS a\n") + "COPY . /app\n" + BASE + "COPY --from=a /app /app",
     BASE.replace("\n", " AS a\n") + "COPY . /src\n" + BASE + "COPY --from=a /usr/bin/x /x"),
    ("rows-copied", BASE + "COPY data/ /data", BASE + "COPY model.onnx /m"),
    ("rows-copied", BASE + "COPY train.csv x.py /app/", BASE + "COPY --from=b train.csv /"),
    ("secret-in-layer", BASE + "ENV DB_PASSWORD=swordfish", BASE + "ENV DB_PASSWORD_FILE=/run/secrets/db"),
    ("secret-in-layer", BASE + 'ENV API_KEY "abc def"', BASE + "ENV TOKENIZERS_PARALLELISM=false MAX_TOKENS=512"),
    ("secret-in-layer", BASE + "ARG HF_TOKEN\nENV HF_TOKEN=$HF_TOKEN", BASE + "ENV SECRET_NAME=db HF_TOKEN="),
    ("secret-in-layer", BASE + f"RUN echo {TOKEN} > x", BASE + "RUN --mount=type=secret,id=hf cat /run/secrets/hf"),
    ("secret-in-layer", BASE + "RUN export PIP_TOKEN=abc && x", BASE + "RUN PIP_TOKEN=$(cat /run/secrets/t) x"),
    ("secret-in-layer", BASE + "RUN pip install -i https://me:geheim99@x.example/s a==1",
    BASE + "RUN pip install a==1"),
    ("secret-in-argument", BASE + "ARG GITHUB_TOKEN", BASE + "ARG VERSION"),
    ("secret-file-copied", BASE + "COPY .env /app/", BASE + "COPY .env.example certs/ca.pem key.pub /app/"),
    ("secret-file-copied", BASE + 'COPY ["id_rsa", "/root/.ssh/"]', BASE + "COPY --from=a /x/id_rsa /y"),
    ("piped-to-shell", BASE + "RUN curl -sSL https://x.example/i.sh | bash -s -- -y", BASE + "RUN curl -sI https://x.example/i.sh"),
    ("piped-to-shell", BASE + "RUN wget -qO- https://x.example | sudo sh",
    BASE + "RUN curl https://x.example/k | gpg --dearmor -o k"),
    ("piped-to-shell", BASE + 'RUN sh -c "$(curl -fsSL https://x.example)"', BASE + "RUN echo 'curl x | sh'"),
    ("piped-to-shell", BASE + "RUN bash <(curl -s https://x.example)", BASE + "RUN echo a | sh"),
    ("piped-to-shell", BASE + 'RUN ["sh", "-c", "curl x | sh"]', BASE + 'RUN ["pip", "check"]'),
    ("piped-to-shell", BASE + "RUN <<EOF\nset -e\ncurl https://x.example | tee x | python3 -\nEOF",
    BASE + "RUN <<EOF\necho a\nEOF"),
    ("fetched-unchecked", BASE + "ADD https://x.example/m.pkl /m",
    BASE + "ADD --checksum=sha256:00 https://x.example/m.pkl /m"),
    ("fetched-unchecked", BASE + "RUN curl -o m https://x.example/m",
    BASE + "RUN curl -o m https://x.example/m && echo 'a m' | sha256sum -c"),
    ("fetched-unchecked", BASE + "RUN git clone https://x.example/a",
    BASE + "RUN git clone https://x.example/a && git -C a checkout 0"),
    ("unchecked-transport", BASE + "RUN curl -fsSLk https://x.example -o x", BASE + "RUN curl -fsSLo k https://x.example"),
    ("unchecked-transport", BASE + "RUN python -m pip install --trusted-host x a==1",
    BASE + "RUN pip install --cert c a==1"),
    ("unchecked-transport", BASE + "ENV GIT_SSL_NO_VERIFY=1", BASE + "ENV GIT_SSL_NO_VERIFY=0"),
    ("extra-index", BASE + "RUN pip install --extra-index-url https://x a==1",
    BASE + "RUN pip install --index-url https://x a==1"),
    ("unpinned-install", BASE + "RUN pip install numpy",
    BASE + "RUN pip install numpy==2.1.0 './app[x]' -r r.txt -c c.txt"),
    ("unpinned-install", BASE + "RUN python3 -m pip -q install 'a>=1'", BASE + "RUN pip install . && pip check"),
    ("unpinned-install", BASE + "RUN uv pip install --system a",
    BASE + "RUN uv pip install --system -r requirements.txt"),
    ("unpinned-install", BASE + "RUN pip install git+https://x.example/a@main",
    BASE + f"RUN pip install git+https://x.example/a@{'0' * 40}"),
    ("compilers-left", BASE + "RUN apt-get install -y gcc python3-dev",
    BASE + "RUN apt-get install -y gcc && pip check && apt-get purge -y gcc"),
    ("compilers-left", BASE + "RUN apt-get install -y gcc\nRUN apt-get purge -y gcc",
    BASE + "RUN apt-get install -y libgomp1"),
    ("compilers-left", BASE + "RUN apk add build-base", BASE + "RUN apk add --virtual .b build-base && apk del .b"),
    ("compilers-left", f"FROM nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04{DIGEST}",
    f"FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04{DIGEST}"),
    ("compilers-left", BASE + "RUN apt-get install -y make", BASE.replace("\n",
    " AS b\n") + "RUN apt-get install -y make\n" + BASE),
    ("large-base", f"FROM python:3.12{DIGEST}", f"FROM python:3.12{DIGEST} AS b\nRUN make\n" + BASE),
    ("apt-lists", BASE + "RUN apt-get update && apt-get install -y a",
    BASE + "RUN apt-get install -y a && rm -rf /var/lib/apt/lists/*"),
    ("apt-recommends", BASE + "RUN apt-get install -y a", BASE + "RUN apt-get install -y --no-install-recommends a"),
    ("download-cache", BASE + "RUN pip install a==1", BASE + "ENV PIP_NO_CACHE_DIR=1\nRUN pip install a==1"),
    ("download-cache", BASE + "RUN pip install a==1",
    BASE + "RUN --mount=type=cache,target=/root/.cache/pip pip install a==1"),
    ("download-cache", BASE + "RUN conda install -y a=1", BASE + "RUN conda install -y a=1 && conda clean -afy"),
    ("download-cache", BASE + "RUN apk add a", BASE + "RUN apk add --no-cache a"),
    ("gpu-libraries", BASE + "RUN pip install torch==2.5.0", BASE + "RUN pip install torch==2.5.0 --index-url https://download.pytorch.org/whl/cpu"),
    ("gpu-libraries", BASE + "RUN pip install torch", f"FROM nvidia/cuda:12-runtime{DIGEST}\nRUN pip install torch"),
    ("development-tools", BASE + "RUN pip install jupyterlab==4", BASE + "RUN pip install fastapi==1"),
    ("sudo", BASE + "RUN sudo id", BASE + "RUN id"),
    ("add-for-copy", BASE + "ADD a.py /", BASE + "ADD a.tar.gz https://x.example/a /"),
]  # fmt: skip


HONEST = {
    "Dockerfile": f"""\
# syntax=docker/dockerfile:1
ARG PYTHON=python:3.12-slim{DIGEST}
FROM ${{PYTHON}} AS build
RUN apt-get update \\
    && apt-get install -y --no-install-recommends build-essential \\

    # what xgboost is built with
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install --require-hashes --prefix /install -r requirements.txt

FROM ${{PYTHON}}
ENV PYTHONUNBUFFERED=1 TOKENIZERS_PARALLELISM=false
COPY --from=build /install /usr/local
COPY --chown=app:app serve.py model.onnx /app/
ADD --checksum=sha256:{"0" * 64} https://models.example/encoder.onnx /app/
RUN useradd --system app
USER app
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')"]
CMD ["uvicorn", "serve:app"]
""",
    "Dockerfile.context": f"FROM gcr.io/distroless/python3-debian12:nonroot{DIGEST}\nCOPY . /app\n",
    ".dockerignore": "# only what is served\n*\n!src/**\n!model.onnx\n",
    "gpu.Dockerfile": f"""\
FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04{DIGEST}
COPY requirements.lock /
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
USER 10001
""",
    "Containerfile": f"FROM cgr.dev/chainguard/python{DIGEST}\nCOPY app.py /\n",
    "compose.yml": f"""\
x-common: &common
  restart: unless-stopped
  read_only: true
services:
  model:
    <<: *common
    build: {{context: ., dockerfile: Dockerfile}}
    image: credit:latest
    environment:
      DB_PASSWORD_FILE: /run/secrets/db
      DB_PASSWORD: ${{DB_PASSWORD:?}}
    secrets: [db]
    ports: ["127.0.0.1:8000:8000"]
    volumes: ["./model:/model:ro"]
  store:
    image: postgres:16{DIGEST}
    environment: [POSTGRES_PASSWORD_FILE=/run/secrets/db]
secrets:
  db: {{file: ./db.txt}}
""",
}
