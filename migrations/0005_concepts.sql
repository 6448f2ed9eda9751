CREATE TABLE "concepts" (
	"name" text PRIMARY KEY NOT NULL,
	"words" text,
	"examples" jsonb NOT NULL,
	"model" text NOT NULL,
	"recipe" text NOT NULL,
	"weights" "bytea" NOT NULL,
	"bias" double precision NOT NULL,
	"separation" double precision NOT NULL,
	"average_precision" double precision,
	"auc" double precision,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"taught_at" timestamp with time zone DEFAULT now() NOT NULL
);
