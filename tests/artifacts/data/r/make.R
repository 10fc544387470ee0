# Writes the R files of this folder: honest models of the usual packages on small random data, and one file of each
# kind of object that needs care.   Rscript make.R FOLDER
# Needs R and the packages randomForest, caret, ranger, gbm, rpart (Debian: r-base-core, r-cran-*).
suppressMessages({ library(randomForest); library(caret); library(ranger); library(gbm); library(rpart) })
out <- commandArgs(TRUE)[1]
at <- function(name) file.path(out, name)
set.seed(7)
n <- 40
d <- data.frame(income = round(rnorm(n), 6), age = round(rnorm(n), 6), debt = round(rnorm(n), 6))
d$late <- factor(ifelse(d$income + rnorm(n) > 0, "yes", "no"))
write.csv(d, at("train.csv"), row.names = FALSE)
x <- d[, 1:3]
saveRDS(glm(late ~ ., d, family = binomial), at("glm.rds"), compress = "xz")
saveRDS(glm(late ~ ., d, family = binomial, model = FALSE, x = FALSE, y = FALSE), at("glm_bare.rds"), compress = "xz")
saveRDS(lm(debt ~ income + age, d, x = TRUE), at("lm.rds"), compress = "bzip2")
saveRDS(randomForest(x, d$late, ntree = 4), at("randomforest.rds"))
saveRDS(ranger(late ~ ., d, num.trees = 4, probability = TRUE, seed = 1), at("ranger.rds"))
saveRDS(gbm(ifelse(late == "yes", 1, 0) ~ income + age + debt, "bernoulli", d, n.trees = 4, n.minobsinnode = 3), at("gbm.rds"))
saveRDS(rpart(late ~ ., d), at("rpart.rds"))
quiet <- trainControl(method = "cv", number = 2)
saveRDS(train(x, d$late, method = "rf", ntree = 4, tuneGrid = data.frame(mtry = 2), trControl = quiet), at("caret.rds"), compress = "xz")
hidden <- (function() { secret <- as.matrix(x); function(new) colMeans(secret) + new })()
saveRDS(hidden, at("closure.rds"))
forest <- readRDS(at("randomforest.rds")); note <- "two objects"
save(forest, note, file = at("two.rda"))
save(d, file = at("frame_v2.RData"), version = 2)
saveRDS(d, at("frame_ascii.rds"), ascii = TRUE, compress = FALSE)
con <- file(at("frame_native.rds"), "wb"); serialize(d, con, xdr = FALSE); close(con)
setClass("Plain", representation(w = "numeric", name = "character"))
saveRDS(new("Plain", w = c(1, 2, NA), name = c("a", NA)), at("s4.rds"))
many <- list(1:1e6, seq_len(5) + 0, as.character(1:4), NULL, TRUE, 2 + 3i, as.raw(1:3), quote(a + b), y ~ x, list(a = 1L))
saveRDS(many, at("kinds.rds"))
# A promise that was never forced: reading it runs nothing, touching it does (CVE-2024-27322).
env <- new.env()
delayedAssign("trap", file.create("/tmp/never"), assign.env = env)
saveRDS(env, at("promise.rds"))
# Three classes, of which gbm grows a tree each in every round.
set.seed(8)
d$grade <- factor(cut(d$income + d$debt / 2, c(-Inf, -0.5, 0.5, Inf), labels = c("A", "B", "C")))
saveRDS(suppressWarnings(gbm(grade ~ income + age + debt, "multinomial", d, n.trees = 3, n.minobsinnode = 3)),
        at("gbm_classes.rds"))
# The layout of ranger before 0.11.5, which counted the answer among the columns: what ranger's own conversion undoes.
old <- ranger(grade ~ income + age + debt, d, num.trees = 4, seed = 2)
old$forest$dependent.varID <- 1
old$forest$split.varIDs <- lapply(old$forest$split.varIDs, function(v) ifelse(v >= 1, v + 1, v))
old$forest$is.ordered <- c(old$forest$is.ordered[1], TRUE, old$forest$is.ordered[-1])
saveRDS(old, at("ranger_old.rds"))
