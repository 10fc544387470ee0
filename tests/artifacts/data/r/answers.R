# Writes what R itself answers on train.csv: the truth for the trees that are read.   Rscript answers.R FOLDER
suppressMessages({ library(randomForest); library(ranger); library(gbm); library(rpart) })
at <- function(name) file.path(commandArgs(TRUE)[1], name)
d <- read.csv(at("train.csv"))
x <- d[, 1:3]
out <- data.frame(
  randomForest = predict(readRDS(at("randomforest.rds")), x, type = "vote")[, "yes"],
  caret = predict(readRDS(at("caret.rds"))$finalModel, x, type = "vote")[, "yes"],
  ranger = predict(readRDS(at("ranger.rds")), x, num.threads = 1)$predictions[, "yes"],
  gbm = predict(readRDS(at("gbm.rds")), x, n.trees = 4, type = "link"),
  rpart = as.numeric(predict(readRDS(at("rpart.rds")), d, type = "class") == "yes"),
  gbm_classes = unclass(predict(readRDS(at("gbm_classes.rds")), x, n.trees = 3, type = "link")[, , 1]),
  ranger_old = as.character(suppressWarnings(predict(readRDS(at("ranger_old.rds")), x, num.threads = 1))$predictions),
  glm = predict(readRDS(at("glm.rds")), d, type = "link")
)
options(digits = 17)
write.csv(out, at("answers.csv"), row.names = FALSE)
