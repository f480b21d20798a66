# GNU hello 2.10 from its upstream tarball, in three steps, without nixpkgs: the compiler is the
# host's, which sandbox-paths show to the builders (see demo.sh). The files hello/*.json are the same
# three derivations as JSON.
{ tarball ? ../../demo/hello_2.10.orig.tar.gz }:
let
  step = name: script: inputs: derivation ({
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-euc" script ];
    PATH = "/usr/bin:/bin";
    LC_ALL = "C";
  } // inputs);

  tarball' = builtins.path {
    name = "hello-2.10.tar.gz";
    path = tarball;
    recursive = false;
    sha256 = "31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b";
  };

  source = step "hello-2.10-source" ''
    tar --extract --file "$tarball"
    mv hello-2.10 "$out"
  '' { tarball = tarball'; };

  # The copy keeps modification times, so that make does not think it must run autoconf.
  hello = step "hello-2.10" ''
    cp --recursive --preserve=timestamps "$source" source
    chmod --recursive u+w source
    cd source
    ./configure --prefix="$out" CFLAGS=-O2
    make
    make install
  '' { inherit source; };

  check = step "hello-2.10-check" ''
    echo "$hello/bin/hello says:" > "$out"
    "$hello/bin/hello" >> "$out"
    cat "$out"
  '' { inherit hello; };
in
check
