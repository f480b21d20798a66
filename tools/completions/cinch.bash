# bash completion for cinch; written by 'cinch __completion bash'.
_cinch() {
  local cur=${COMP_WORDS[COMP_CWORD]} word verb= words= skip=0 global
  global='--store --option -v --verbose --quiet --debug --log-format -L --print-build-logs --extra-experimental-features --experimental-features --help --version'
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if ((skip > 0)); then ((skip -= 1)); continue; fi
    case $word in
      --store) skip=1 ;;
      --option) skip=2 ;;
      --log-format) skip=1 ;;
      --extra-experimental-features) skip=1 ;;
      --experimental-features) skip=1 ;;
      -*) ;;
      *) case $verb in
           '') verb=$word ;;
           'realisation'|'derivation'|'store'|'store path'|'profile'|'hash'|'nar'|'key'|'config') verb+=" $word" ;;
         esac ;;
    esac
  done
  case $verb in
    '') words='build log copy path-info why-depends realisation derivation store profile hash nar key config daemon' ;;
    'realisation') words='info' ;;
    'derivation') words='show add check' ;;
    'store') words='add add-file add-path ls cat dump-path info verify repair optimise rebuild-database export import sign copy-sigs make-content-addressed diff-closures gc delete roots add-root path path-from-hash-part statistics' ;;
    'store path') words='parse make follow' ;;
    'profile') words='history set rollback wipe-history' ;;
    'hash') words='path file convert to-base16 to-base32 to-base64 to-sri' ;;
    'nar') words='pack ls cat' ;;
    'key') words='generate-secret convert-secret-to-public' ;;
    'config') words='show' ;;
    'build') words='-o --out-link --no-link --print-out-paths --json --dry-run --rebuild --check --repair -k --keep-going -K --keep-failed -j --max-jobs --cores --timeout --max-silent-time' ;;
    'log') words='' ;;
    'copy') words='--from --to --all --no-recursive --no-check-sigs -s --substitute-on-destination' ;;
    'path-info') words='-r --recursive --all -s --size -S --closure-size -h --human-readable --sigs --derivation --eval-store --json --json-format' ;;
    'why-depends') words='-a --all --precise' ;;
    'realisation info') words='--all --json' ;;
    'derivation show') words='-r --recursive' ;;
    'derivation add') words='' ;;
    'derivation check') words='--json' ;;
    'store add') words='-n --name --mode --hash-algo --dry-run' ;;
    'store add-file') words='-n --name --dry-run' ;;
    'store add-path') words='-n --name --dry-run' ;;
    'store ls') words='-l --long -R --recursive -d --directory --json' ;;
    'store cat') words='' ;;
    'store dump-path') words='' ;;
    'store info') words='--json' ;;
    'store verify') words='--all -r --recursive --no-contents --no-trust -n --sigs-needed --repair --from --forget-gone --older-than --rate-limit' ;;
    'store repair') words='--from' ;;
    'store optimise') words='' ;;
    'store rebuild-database') words='-n --dry-run --unfinished --json' ;;
    'store export') words='-r --recursive' ;;
    'store import') words='' ;;
    'store sign') words='-k --key-file -r --recursive --all' ;;
    'store copy-sigs') words='-s --substituter -r --recursive --all' ;;
    'store make-content-addressed') words='--from --to --all -r --recursive --json' ;;
    'store diff-closures') words='' ;;
    'store gc') words='--dry-run --max' ;;
    'store delete') words='--dry-run -r --recursive --also-referrers --skip-alive --ignore-liveness' ;;
    'store roots') words='--why --stale --prune' ;;
    'store add-root') words='' ;;
    'store path parse') words='--store-dir --json' ;;
    'store path make') words='--store-dir --ca --mode --hash --reference --self' ;;
    'store path follow') words='--store-dir --full' ;;
    'store path-from-hash-part') words='' ;;
    'store statistics') words='--biggest --json' ;;
    'profile history') words='--profile --json' ;;
    'profile set') words='--profile' ;;
    'profile rollback') words='--profile --to' ;;
    'profile wipe-history') words='--profile --older-than --keep --dry-run' ;;
    'hash path') words='--algo --type --mode --modulo --format --base16 --base32 --base64 --sri' ;;
    'hash file') words='--algo --type --format --base16 --base32 --base64 --sri' ;;
    'hash convert') words='--hash-algo --from --to' ;;
    'hash to-base16') words='--type' ;;
    'hash to-base32') words='--type' ;;
    'hash to-base64') words='--type' ;;
    'hash to-sri') words='--type' ;;
    'nar pack') words='' ;;
    'nar ls') words='-l --long -R --recursive -d --directory --json' ;;
    'nar cat') words='' ;;
    'key generate-secret') words='--key-name' ;;
    'key convert-secret-to-public') words='' ;;
    'config show') words='--json' ;;
    'daemon') words='--socket --socket-path --force-trusted --force-untrusted --daemon' ;;
  esac
  if [[ $cur == -* || -z $verb ]]; then
    COMPREPLY=($(compgen -W "$words $global" -- "$cur"))
  elif [[ -n $words && $words != -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _cinch cinch
