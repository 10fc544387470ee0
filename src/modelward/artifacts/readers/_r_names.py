"""What names in R files mean: functions that reach outside R, packages and compact forms that are known."""

from __future__ import annotations

_REACH = {
    "runs programs": ("system system2 shell shell.exec pipe browseURL mcparallel makeCluster"),
    "loads code": ("dyn.load library.dynam install.packages sourceCpp cppFunction sys.source"),
    "uses the network": (
        "download.file socketConnection serverSocket socketAccept make.socket url.show curl_download nsl"
    ),
    "touches files": (
        "unlink file.remove file.create file.rename file.copy file.symlink file.append "
        "writeBin writeLines saveRDS readRDS dir.create Sys.chmod gzfile bzfile xzfile"
    ),
    "changes R itself": (
        "Sys.setenv reg.finalizer addTaskCallback unlockBinding assignInNamespace setHook "
        "quit attachNamespace"
    ),
}
_REACH_CALLED = {
    "loads code": ("source"),
    "uses the network": ("url"),
    "touches files": ("file sink"),
    "changes R itself": ("q trace"),
}
_COMPUTED = (
    "parse str2lang str2expression get get0 mget dynGet getFunction getExportedValue getFromNamespace getAnywhere "
    "as.call as.name as.symbol call as.function .Internal .Primitive"
)
COMPUTED = frozenset(_COMPUTED.split())
"""Functions that reach others by names that are computed, so that what the code does cannot be read off it."""
DANGEROUS: dict[str, str] = {name: why for why, names in _REACH.items() for name in names.split()}
"""Functions of R that reach outside it, dangerous wherever code or a promise names them, as text too."""
CALLED: dict[str, str] = {name: why for why, names in _REACH_CALLED.items() for name in names.split()}
"""The same, where they are called; as plain words they are also names of arguments and columns."""
_NAMESPACES = (
    "base stats utils methods graphics grDevices datasets grid splines stats4 tools parallel "
    "compiler tcltk MASS lattice Matrix nlme survival boot class cluster codetools foreign "
    "KernSmooth mgcv nnet rpart spatial caret randomForest ranger gbm xgboost lightgbm e1071 "
    "kernlab glmnet ggplot2 recipes parsnip workflows hardhat rlang vctrs tibble dplyr purrr "
    "magrittr plyr reshape2 data.table Rcpp pROC ModelMetrics party partykit C50 Cubist earth "
    "klaR mlr mlr3 ipred prodlim lava timeDate hms lubridate stringr stringi forcats tidyr "
    "foreach iterators"
)
NAMESPACES = frozenset(_NAMESPACES.split())
"""Packages that reading a file may load: R's own, and those of common models."""
_FORMS = (
    "base::compact_intseq base::compact_realseq base::deferred_string base::wrap_complex "
    "base::wrap_integer base::wrap_list base::wrap_logical base::wrap_raw base::wrap_real "
    "base::wrap_string"
)
FORMS = frozenset(_FORMS.split())
"""Compact forms of vectors that R itself writes."""
